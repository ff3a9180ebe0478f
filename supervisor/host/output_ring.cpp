// SPDX-License-Identifier: Apache-2.0
#include "host/output_ring.hpp"

#include <algorithm>
#include <cstring>

#include "base/result.hpp"

namespace caisson::host {

void OutputRing::put(std::span<const std::byte> bytes) {
    check(bytes.size() <= room(), "the output ring has no room for what is put into it");
    if (bytes.empty()) return;
    reserve(bytes.size());
    copy_to(tail_, bytes);
    tail_ += bytes.size();
}

void OutputRing::put_over(std::span<const std::byte> bytes) {
    const auto from = published_.load(std::memory_order_relaxed);
    check(bytes.size() <= tail_ - from, "only what was put and not published is written over");
    copy_to(from, bytes);
}

void OutputRing::copy_to(std::uint64_t position, std::span<const std::byte> bytes) {
    const std::size_t at = static_cast<std::size_t>(position) & (ring_.size() - 1);
    const std::size_t before_end = std::min(bytes.size(), ring_.size() - at);
    std::memcpy(ring_.data() + at, bytes.data(), before_end);
    if (before_end < bytes.size()) {
        std::memcpy(ring_.data(), bytes.data() + before_end, bytes.size() - before_end);
    }
}

void OutputRing::publish() {
    marks_.written.store(tail_, std::memory_order_release);
    published_.store(tail_, std::memory_order_release);
}

std::array<std::span<const std::byte>, 2> OutputRing::unsent() const {
    const std::uint64_t from = sent();
    const std::size_t count = static_cast<std::size_t>(published_.load(std::memory_order_acquire) - from);
    const std::size_t at = static_cast<std::size_t>(from) & (ring_.size() - 1);
    const std::size_t before_end = std::min(count, ring_.size() - at);
    return {std::span<const std::byte>{ring_.data() + at, before_end},
            std::span<const std::byte>{ring_.data(), count - before_end}};
}

void OutputRing::mark_sent(std::size_t count) { sent_.fetch_add(count, std::memory_order_acq_rel); }

}  // namespace caisson::host
