// SPDX-License-Identifier: Apache-2.0
/// The bytes of one session: a non-blocking socket, what waits to be sent, and the frames that came.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "wire/codec.hpp"

namespace caisson::client {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // none: for ever

[[nodiscard]] Deadline deadline_after(std::chrono::milliseconds patience);

class Link {
   public:
    explicit Link(int descriptor) : descriptor_(descriptor) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link();

    /// Where frames to send are appended.
    [[nodiscard]] wire::Buffer& output() { return output_; }
    [[nodiscard]] std::size_t unsent() const { return output_.size() - sent_; }
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

    /// Waits until there is something to read or room to send. False when the deadline came first.
    [[nodiscard]] bool wait(Deadline deadline) const;

    [[nodiscard]] int descriptor() const { return descriptor_; }

   private:
    int descriptor_;
    bool peer_reads_ = true;
    wire::Buffer output_;
    std::size_t sent_ = 0;  // of output_
    wire::FrameReader reader_;
    std::string why_ended_;
};

}  // namespace caisson::client
