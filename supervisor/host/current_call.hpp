// SPDX-License-Identifier: Apache-2.0
/// The call that runs now: what the plugin answers to it, and what it may ask about it.
///
/// The worker's main thread begins and finishes calls; the plugin's functions may come from any thread in between. A
/// pointer that names no running call (null, invented, or kept from an earlier one) is recognised without looking at
/// what it points to, and ignored: calls stand in slots that are used in turn, so that the pointer of an earlier call
/// does not name the next one.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caisson/plugin.h>
#include "base/clock.hpp"
#include "host/outlet.hpp"
#include "host/plugin.hpp"
#include "host/spill.hpp"
#include "wire/black_box.hpp"
#include "wire/frame.hpp"

namespace caisson::host {

/// Output up to this size rides in the result frame; more goes into a memfd, or leaves in chunks of at most this size
/// if the caller wants it in pieces.
inline constexpr std::size_t inline_output_bytes = wire::inline_body_bytes;
/// Bytes of an error text; longer ones are cut.
inline constexpr std::size_t max_error_text_bytes = 16 * 1024;
/// Bytes of a progress note; longer ones are cut.
inline constexpr std::size_t max_note_bytes = 1024;
/// Progress that comes faster than this is not sent: nobody can read it.
inline constexpr std::int64_t progress_interval_ns = 50'000'000;

/// One call, or one item of a batch, as it came. The views live until it is finished.
struct Incoming {
    std::uint64_t id = 0;
    std::uint32_t method = 0;
    std::span<const std::byte> params;
    std::span<const std::byte> body;
    wire::Encoding encoding = wire::Encoding::bytes;
    std::int64_t deadline_ns = 0;
    std::uint8_t attempt = 1;
    bool stream = false;
    bool in_batch = false;
    bool copied = false;  ///< a large output may stay in the black box
};

class CurrentCall {
   public:
    CurrentCall(wire::BlackBox& box, Outlet& outlet);

    // Main thread.

    /// `started_ns` is published in the black box.
    [[nodiscard]] const caisson_call& begin(const Incoming& incoming, std::int64_t started_ns);
    /// Publishes the result, and only then that the call runs no more.
    void finish(const Returned& returned, std::int64_t ended_ns);
    /// Publishes a result for a call that was claimed and is not started.
    void answer_unstarted(std::uint64_t id, caisson_status status, std::string_view text);

    // The items of a batch that the plugin takes through caisson.items/1 (host/items.hpp): no pointer names them.
    // Without the lock, for no plugin thread gets as far as the outlet while no call is current.

    void begin_items(std::int64_t started_ns);
    /// Publishes the result of one that is ok.
    void answer_item(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> output,
                     std::int64_t run_ns) {
        if (output.size() <= inline_output_bytes) [[likely]]
            outlet_.add_to_run(id, encoding, output, run_ns);
        else
            answer_large_item(id, encoding, output, run_ns);
    }
    void fail_item(std::uint64_t id, caisson_status status, std::string_view message, std::int64_t run_ns);
    void end_items(std::int64_t more_ns);

    /// Publishes a frame that belongs to no call.
    void announce(const wire::Header& header, std::string_view head);
    void flush();
    /// Ends a batch: its results may leave.
    void end_batch();

    // Any thread, behind the functions of caisson_host.

    void set_encoding(const caisson_call* call, std::uint32_t encoding);
    void write(const caisson_call* call, std::span<const std::byte> bytes);
    void set_error(const caisson_call* call, std::string_view message);
    void progress(const caisson_call* call, double fraction, std::string_view note, std::int64_t now_ns);
    /// True for a pointer that names no running call, too: a stray thread of the plugin should give up.
    [[nodiscard]] bool cancelled(const caisson_call* call) const;

   private:
    void answer_large_item(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> output,
                           std::int64_t run_ns);
    [[nodiscard]] bool is_running(const caisson_call* call) const;
    [[nodiscard]] wire::Header header_of(wire::Type type) const;
    void send_chunks(std::span<const std::byte> bytes);
    void send_spilled(wire::Header result);

    wire::BlackBox& box_;
    Outlet& outlet_;

    mutable std::mutex mutex_;  // everything below, and the outlet
    std::array<caisson_call, 64> slots_{};
    std::size_t next_slot_ = 0;
    std::vector<std::byte> output_;  // not yet sent; has the capacity of inline_output_bytes
    Spill spill_;                    // what stands before output_, if it is too much
    std::string error_;              // has the capacity of max_error_text_bytes
    std::string note_;               // has the capacity of max_note_bytes
    wire::Encoding encoding_ = wire::Encoding::bytes;
    bool wrote_ = false;
    bool set_encoding_ = false;
    bool stream_ = false;
    bool in_batch_ = false;
    std::int64_t started_ns_ = 0;
    std::int64_t last_progress_ns_ = 0;

    // Read without the lock by cancelled(), which a plugin may ask in its innermost loop.
    std::atomic<const caisson_call*> current_ = nullptr;
    std::atomic<std::uint64_t> id_ = 0;
    std::atomic<std::int64_t> deadline_ns_ = 0;
};

}  // namespace caisson::host
