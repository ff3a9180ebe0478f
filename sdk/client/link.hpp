// SPDX-License-Identifier: Apache-2.0
/// The bytes of one session: a non-blocking socket, what waits to be sent, and the frames that came. Descriptors ride
/// with them in both directions, in the order of the detached frames (wire/frame.hpp) that they belong to.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>

#include "client/descriptor.hpp"
#include "wire/codec.hpp"

namespace caisson::client {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // none: for ever

[[nodiscard]] Deadline deadline_after(std::chrono::milliseconds patience);

class Link {
   public:
    /// Descriptors that may have come and belong to no frame yet: a service sends each with its frame.
    static constexpr std::size_t max_descriptors_ahead = 16;

    explicit Link(int descriptor) : socket_(descriptor) {}

    /// Where frames to send are appended.
    [[nodiscard]] wire::Buffer& output() { return output_; }
    /// Lets a descriptor leave with the frame that is appended next.
    void attach(Descriptor descriptor) { attached_.push_back({gone_ + unsent(), std::move(descriptor)}); }
    [[nodiscard]] std::size_t unsent() const { return output_.size() - sent_; }
    [[nodiscard]] std::size_t unsent_descriptors() const { return attached_.size(); }
    /// Sends what the socket takes. When the peer no longer reads, the rest is dropped: what it sent before it went is
    /// still to be read, and the end of that is the end of the session.
    void flush();

    enum class Received { some, nothing, end };
    /// Reads what is there, without waiting. After `end`, `why_ended` says more.
    [[nodiscard]] Received receive();
    [[nodiscard]] const std::string& why_ended() const { return why_ended_; }

    /// The next whole frame that was received; it lives until the next `receive`.
    [[nodiscard]] std::optional<wire::Frame> next_frame() { return reader_.next(); }
    [[nodiscard]] std::optional<wire::CodecError> broken() const { return reader_.error(); }
    /// The oldest descriptor that came; none if there is none.
    [[nodiscard]] Descriptor take_descriptor();
    /// The peer sent more descriptors than frames that speak of them, or more than this process may have.
    [[nodiscard]] bool flooded() const { return flooded_; }

    /// Waits until there is something to read or room to send. False when the deadline came first.
    [[nodiscard]] bool wait(Deadline deadline) const;

    [[nodiscard]] int descriptor() const { return socket_.get(); }

   private:
    struct Attached {
        std::uint64_t offset;  // in the stream: of the first byte of its frame
        Descriptor descriptor;
    };

    [[nodiscard]] std::ptrdiff_t send_some();
    [[nodiscard]] std::ptrdiff_t receive_some(std::span<std::byte> room);

    Descriptor socket_;
    bool peer_reads_ = true;
    bool congested_ = false;  // too many descriptors of this user are on their way (unix(7), ETOOMANYREFS)
    wire::Buffer output_;
    std::size_t sent_ = 0;    // of output_
    std::uint64_t gone_ = 0;  // bytes of the stream that were sent
    std::deque<Attached> attached_;
    wire::FrameReader reader_;
    std::deque<Descriptor> came_;
    bool flooded_ = false;
    std::string why_ended_;
};

}  // namespace caisson::client
