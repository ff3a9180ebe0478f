// SPDX-License-Identifier: Apache-2.0
/// One call per input line, results in the order of the lines, with a bounded look-ahead.
///
/// The window is the calls that were submitted and whose results have not been written: a ring in the order of the
/// lines. Its head is written as soon as it ends; a result that comes before its turn waits in its place. Lines are
/// read only while the window has room, so an input that never ends costs what the window holds.
///
///     lines --submit--> [ window: calls out | results that wait ] --head--> output
///
/// It stops for one of four reasons: all lines are done; a call failed and that ends the map; Ctrl-C, which cancels
/// what is out; or the output takes no more.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/command.hpp"
#include "cli/interrupts.hpp"
#include "cli/line_source.hpp"
#include "cli/output.hpp"
#include "cli/progress_line.hpp"
#include "client/client.hpp"

namespace caisson::cli {

struct MapOptions {
    std::string target;
    std::string params;
    std::optional<std::chrono::milliseconds> timeout;
    bool unordered = false;   ///< write results as they come
    bool keep_going = false;  ///< a failed line is reported and passed over
};

class Mapper {
   public:
    /// Calls in the window. Enough to hide the way there and back; a power of two.
    static constexpr std::size_t window_calls = 1024;
    /// Bytes of lines and results in the window. One call may exceed it, if it is alone.
    static constexpr std::size_t window_bytes = std::size_t{32} * 1024 * 1024;

    Mapper(const Context& context, Client& client, LineSource& lines, const MapOptions& options);

    /// Runs to the end and returns the exit code; says on the error stream what is to be said.
    [[nodiscard]] int run();

   private:
    // One line on its way.
    struct Place {
        std::uint64_t call = 0;
        std::uint64_t line = 0;
        std::size_t bytes = 0;  // held for it: its line, then its result
        bool ended = false;
        CallResult result;
        std::string shown;  // the beginning of the line, for an error; short enough to need no allocation
    };

    Place& place(std::uint64_t at) { return window_[at & (window_calls - 1)]; }
    [[nodiscard]] std::size_t in_window() const { return static_cast<std::size_t>(next_ - head_); }
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool finished() const;
    [[nodiscard]] bool begins_more() const;

    void submit_lines();
    bool submit(std::string_view line);
    void refuse(std::string_view line, std::string message, std::string_view bound);
    Place& push(std::string_view line);
    [[nodiscard]] bool take_events();
    void on_done(Done& done);
    Place* find(std::uint64_t call);
    void write_ended();
    void settle(Place& ended);
    void write_result(const Place& ended);
    void on_failure(const Place& ended);
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

    std::vector<Place> window_;
    std::uint64_t head_ = 0;  // the oldest line whose result has not been written
    std::uint64_t next_ = 0;  // one past the newest
    std::size_t held_bytes_ = 0;
    bool waits_for_input_ = false;
    bool input_ended_ = false;

    std::uint64_t results_ = 0;
    std::uint64_t failures_ = 0;
    std::uint64_t dropped_ = 0;         // ended after an interrupt, and not in turn
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
