// SPDX-License-Identifier: Apache-2.0
/// The worker's side of the output ring: where the next byte goes, what is published, what is still to be sent.
///
/// It does no input or output. It never reads a counter back from the black box, for the plugin can scribble there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/black_box.hpp"

namespace caisson::host {

class OutputRing {
   public:
    /// `ring` is a power of two in size; `written` is the counter that the supervisor reads.
    OutputRing(std::span<std::byte> ring, std::atomic<std::uint64_t>& written) : ring_(ring), written_(written) {}

    /// Bytes that can be put before something has to be sent.
    [[nodiscard]] std::size_t room() const { return ring_.size() - static_cast<std::size_t>(tail_ - sent()); }
    [[nodiscard]] std::size_t capacity() const { return ring_.size(); }

    /// Copies bytes behind the last ones; there must be room. The supervisor does not see them before publish().
    void put(std::span<const std::byte> bytes);
    /// Makes everything that was put part of the stream: from here on it survives the worker.
    void publish();

    /// What is published and not sent: two pieces where it wraps around the end. Async-signal-safe.
    [[nodiscard]] std::array<std::span<const std::byte>, 2> unsent() const;
    /// The socket took the first `count` bytes of unsent(). Async-signal-safe.
    void mark_sent(std::size_t count);

   private:
    [[nodiscard]] std::uint64_t sent() const { return sent_.load(std::memory_order_acquire); }

    std::span<std::byte> ring_;
    std::atomic<std::uint64_t>& written_;
    std::uint64_t tail_ = 0;  // one past the last byte that was put
    // Atomic for the fatal-signal handler, which may run on another thread than the one that sends.
    std::atomic<std::uint64_t> published_ = 0;
    std::atomic<std::uint64_t> sent_ = 0;
};

}  // namespace caisson::host
