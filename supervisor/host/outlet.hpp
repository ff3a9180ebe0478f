// SPDX-License-Identifier: Apache-2.0
/// The way of a frame out of the worker: into the output ring, and from there through the socket.
///
/// Frames are gathered in the ring, so that many small results cost one system call; whoever waits for input flushes
/// first. Not thread-safe, but for flush_from_signal(): its callers take turns (CurrentCall's mutex).
#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <string_view>

#include "host/output_ring.hpp"
#include "wire/frame.hpp"
#include "wire/records.hpp"

namespace caisson::host {

class Outlet {
   public:
    Outlet(wire::BlackBox& box, int socket)
        : ring_(box.ring, {box.written, box.run_end, box.reserved}), socket_(socket) {}
    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;

    /// Puts one frame into the stream; the header's sizes are set here. It is published as a whole, unless it is larger
    /// than the ring. Sends only to make room. Allocates nothing.
    void append(wire::Header header, std::string_view head, std::span<const std::byte> body = {});

    /// Adds the output of an item to the open run, or opens one: from here on it survives the worker. `run_ns` is how
    /// long the item ran. Everything else that is put into the stream closes the run first.
    void add_to_run(std::uint64_t item, wire::Encoding encoding, std::span<const std::byte> output,
                    std::int64_t run_ns) {
        const std::size_t needed = wire::record_head_bytes + output.size();
        if (run_.next_item != item || run_.header.encoding != encoding || needed > ring_.room()) [[unlikely]]
            next_run(item, encoding, needed);
        ring_.put_record(output);
        run_.header.payload_size += static_cast<std::uint32_t>(needed);
        run_.header.time_ns += run_ns;
        ++run_.next_item;
    }
    /// Makes the open run, if there is one, a frame that can be sent; `more_ns` is added to the time of its items.
    void close_run(std::int64_t more_ns = 0);
    /// Sends what has piled up, if that is worth a system call.
    void flush_if_much();

    /// Sends a memfd ahead of the frame that will speak of it, and everything before it. Once it returns, the
    /// supervisor has what the frame needs, whatever becomes of this process. Blocks as flush() does.
    void send_memory(std::uint64_t call, int descriptor);

    /// Sends everything that is published; blocks while the supervisor does not read. Ends the process if nobody ever
    /// will again.
    void flush();

    /// Tries once, without waiting, to send what is published. Does nothing if a send is under way on any thread, and
    /// no flush() goes on after it: for a process that is about to die. Async-signal-safe.
    void flush_from_signal();

   private:
    /// The frame at the end of the stream that gets one more record with each item.
    struct Run {
        wire::Header header;
        std::uint64_t next_item = 0;  // 0: there is no run
    };
    void next_run(std::uint64_t item, wire::Encoding encoding, std::size_t record_bytes);
    void put_in_pieces(std::span<const std::byte> bytes);
    [[nodiscard]] bool send_some(int flags, int& error, int descriptor = -1);
    void send_all(int descriptor);

    OutputRing ring_;
    Run run_;
    int socket_;
    std::atomic_flag sending_;
};

}  // namespace caisson::host
