// SPDX-License-Identifier: Apache-2.0
/// The worker's side of the output ring: where the next byte goes, what is published, what is still to be sent; and the
/// frame that stays open at its end while records are added.
///
/// It does no input or output. It never reads a counter back from the black box, for the plugin can scribble there.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "wire/black_box.hpp"

namespace caisson::host {

class OutputRing {
   public:
    /// The counters that the supervisor reads (wire/black_box.hpp).
    struct Marks {
        std::atomic<std::uint64_t>& written;
        std::atomic<std::uint64_t>& run_end;
        std::atomic<std::uint64_t>& reserved;
    };
    /// `ring` is a power of two in size.
    OutputRing(std::span<std::byte> ring, Marks marks) : ring_(ring), marks_(marks) {}

    /// Bytes that can be put before something has to be sent.
    [[nodiscard]] std::size_t room() const { return ring_.size() - static_cast<std::size_t>(tail_ - sent()); }
    [[nodiscard]] std::size_t capacity() const { return ring_.size(); }
    /// Bytes that are published and not sent.
    [[nodiscard]] std::size_t waiting() const {
        return static_cast<std::size_t>(published_.load(std::memory_order_relaxed) - sent());
    }

    /// Copies bytes behind the last ones; there must be room. The supervisor does not see them before publish() or
    /// publish_record().
    void put(std::span<const std::byte> bytes);
    /// Makes everything that was put part of the stream: from here on it survives the worker.
    void publish();

    /// Puts one record, for which there must be room. Everything that was put since the last publish() is a frame of
    /// complete records: it survives the worker, and is not sent yet. The frame's header may still change.
    void put_record(std::span<const std::byte> bytes) {
        const auto size = static_cast<std::uint32_t>(bytes.size());
        const std::size_t total = sizeof size + bytes.size();
        const std::size_t at = static_cast<std::size_t>(tail_) & (ring_.size() - 1);
        if (ring_.size() - at >= total) [[likely]] {
            reserve(total);
            std::memcpy(ring_.data() + at, &size, sizeof size);
            if (size == sizeof(std::uint64_t))  // most are one number; a copy of known size is one instruction
                std::memcpy(ring_.data() + at + sizeof size, bytes.data(), sizeof(std::uint64_t));
            else if (size > 0)
                std::memcpy(ring_.data() + at + sizeof size, bytes.data(), size);
            tail_ += total;
        } else {
            put(std::as_bytes(std::span{&size, 1}));
            put(bytes);
        }
        marks_.run_end.store(tail_, std::memory_order_release);
    }
    /// Writes over the first bytes that were put since the last publish().
    void put_over(std::span<const std::byte> bytes);

    /// What is published and not sent: two pieces where it wraps around the end. Async-signal-safe.
    [[nodiscard]] std::array<std::span<const std::byte>, 2> unsent() const;
    /// The socket took the first `count` bytes of unsent(). Async-signal-safe.
    void mark_sent(std::size_t count);

   private:
    [[nodiscard]] std::uint64_t sent() const { return sent_.load(std::memory_order_acquire); }

    // Said before it is done: a reader that finds it unsaid has read nothing that was being written over.
    void reserve(std::size_t bytes) {
        marks_.reserved.store(tail_ + bytes, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
    }
    void copy_to(std::uint64_t position, std::span<const std::byte> bytes);

    std::span<std::byte> ring_;
    Marks marks_;
    std::uint64_t tail_ = 0;  // one past the last byte that was put
    // Atomic for the fatal-signal handler, which may run on another thread than the one that sends.
    std::atomic<std::uint64_t> published_ = 0;
    std::atomic<std::uint64_t> sent_ = 0;
};

}  // namespace caisson::host
