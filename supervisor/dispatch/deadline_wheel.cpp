// SPDX-License-Identifier: Apache-2.0
#include "dispatch/deadline_wheel.hpp"

#include <algorithm>

namespace caisson::dispatch {

DeadlineWheel::DeadlineWheel(TimePoint start) : start_(start) {
    for (auto& head : rings_) head.previous = head.next = &head;
}

// Rounded up, so that nothing is early.
std::uint64_t DeadlineWheel::tick_of(TimePoint time) const {
    if (time <= start_) return 0;
    return static_cast<std::uint64_t>((time - start_ + tick - Duration{1}) / tick);
}

void DeadlineWheel::set(DeadlineEntry& entry, TimePoint due) {
    remove(entry);
    entry.due = due;
    auto& head = rings_[std::max(tick_of(due), done_ + 1) % slots];
    entry.previous = head.previous;
    entry.next = &head;
    head.previous->next = &entry;
    head.previous = &entry;
    ++size_;
}

void DeadlineWheel::remove(DeadlineEntry& entry) {
    if (!entry.in_wheel()) return;
    entry.previous->next = entry.next;
    entry.next->previous = entry.previous;
    entry.previous = entry.next = nullptr;
    --size_;
}

std::vector<DeadlineEntry*> DeadlineWheel::expire(TimePoint now) {
    std::vector<DeadlineEntry*> expired;
    const std::uint64_t current = now <= start_ ? 0 : static_cast<std::uint64_t>((now - start_) / tick);
    // One turn sees every slot, however long it has been.
    const std::uint64_t looks = current <= done_ ? 0 : std::min<std::uint64_t>(current - done_, slots);
    for (std::uint64_t i = 0; i < looks; ++i) {
        auto& head = rings_[(current - i) % slots];
        for (auto* entry = head.next; entry != &head;) {
            auto* const next = entry->next;
            if (entry->due <= now) {
                remove(*entry);
                expired.push_back(entry);
            }
            entry = next;
        }
    }
    done_ = std::max(done_, current);
    std::ranges::sort(expired, {}, &DeadlineEntry::due);
    return expired;
}

std::optional<TimePoint> DeadlineWheel::next_look() const {
    if (size_ == 0) return std::nullopt;
    for (std::uint64_t ahead = 1; ahead <= slots; ++ahead) {
        const auto& head = rings_[(done_ + ahead) % slots];
        if (head.next == &head) continue;
        // The soonest of this slot may be turns away; then asking at the slot's next tick is merely early.
        return start_ + (done_ + ahead) * tick;
    }
    return std::nullopt;
}

}  // namespace caisson::dispatch
