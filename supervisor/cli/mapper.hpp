// SPDX-License-Identifier: Apache-2.0
/// One call per input line, results in the order of the lines, with a bounded look-ahead.
///
/// Lines that are at hand leave together, as batches. The window (window.hpp) is the lines that were read and whose
/// results have not been written. Its head is written as soon as it ends; a result that comes before its turn waits in
/// its place. Lines are read only while the window has room and the look-ahead allows more calls (look_ahead.hpp), so
/// an input that never ends costs what the window holds.
///
///     lines --batches--> [ window: calls out | results that wait ] --head--> output
///
/// It stops for one of four reasons: all lines are done; a call failed and that ends the map; Ctrl-C, which cancels
/// what is out; or the output takes no more.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/command.hpp"
#include "cli/interrupts.hpp"
#include "cli/line_source.hpp"
#include "cli/look_ahead.hpp"
#include "cli/output.hpp"
#include "cli/progress_line.hpp"
#include "cli/window.hpp"
#include "client/client.hpp"

namespace caisson::cli {

struct MapOptions {
    CallRequest request;        ///< what all calls have in common
    std::uint32_t chunk = 256;  ///< lines that leave together at most
    std::size_t workers = 0;    ///< of the pool, as far as it is known
    bool unordered = false;     ///< write results as they come
    bool keep_going = false;    ///< a failed line is reported and passed over
};

class Mapper {
   public:
    Mapper(const Context& context, Client& client, LineSource& lines, const MapOptions& options);

    /// Runs to the end and returns the exit code; says on the error stream what is to be said.
    [[nodiscard]] int run();

   private:
    [[nodiscard]] bool finished() const;
    [[nodiscard]] bool begins_more() const;
    [[nodiscard]] bool wants_lines() const;
    [[nodiscard]] bool has_room(std::size_t more) const;

    // Lines in.
    void submit_lines();
    void add(std::string_view line);
    void refuse(std::string_view line);
    void send_batch();
    void send(std::string_view line);
    void submitted(const std::expected<std::uint64_t, ClientError>& call, std::uint32_t lines);

    // Results out.
    [[nodiscard]] bool take_events();
    void on_event(Event& event);
    void on_items(const Items& items);
    void on_done(Done& done);
    void end(Place& place);
    void write_ended();
    void settle(Place& place);
    void write_result(const Place& place);
    void on_failure(const Place& place);
    void show_progress();

    // Waiting and leaving.
    void on_interrupt();
    void wait();
    [[nodiscard]] int wait_ms();
    [[nodiscard]] int finish();
    void say_summary();
    [[nodiscard]] int say_interrupted();

    const Context& context_;
    Client& client_;
    LineSource& lines_;
    const MapOptions& options_;
    Interrupts interrupts_;
    Output output_;
    ProgressLine progress_;

    Window window_;
    LookAhead ahead_;
    Batch batch_;  // lines in the window that have not been sent
    bool waits_for_input_ = false;
    bool input_ended_ = false;

    std::uint64_t results_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t dropped_ = 0;         // ended after an interrupt, and not in turn
    std::uint64_t done_bytes_ = 0;      // of the lines that have ended
    std::optional<int> first_failure_;  // the exit code of the first that was reported
    bool failure_seen_ = false;         // perhaps not yet its turn
    bool stopped_ = false;              // by a failure: nothing more is written
    bool cancelling_ = false;           // by Ctrl-C: what is out is waited for
    bool left_ = false;                 // by a second Ctrl-C
    bool reader_gone_ = false;
    std::optional<ClientError> lost_;
    TimePoint flush_at_{};  // when output that is held back must be written
};

}  // namespace caisson::cli
