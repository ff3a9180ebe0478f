// SPDX-License-Identifier: Apache-2.0
/// The deadlines of all calls: constant time to add, move and remove one, however many there are. Pure: time is an
/// argument.
///
/// A hashed timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 6): a ring of
/// slots, each a list of what is due in that tick of some turn of the ring. An entry whose deadline is turns away is
/// looked at once per turn. A deadline is met at most one tick late, never early.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace caisson::dispatch {

/// A member of what has a deadline. In a wheel while `due` is set; belongs to one wheel at a time.
struct DeadlineEntry {
    TimePoint due{};
    DeadlineEntry* previous = nullptr;
    DeadlineEntry* next = nullptr;
    [[nodiscard]] bool in_wheel() const { return previous != nullptr; }
};

class DeadlineWheel {
   public:
    static constexpr auto tick = std::chrono::milliseconds{4};
    static constexpr std::size_t slots = 1024;

    explicit DeadlineWheel(TimePoint start);
    DeadlineWheel(const DeadlineWheel&) = delete;
    DeadlineWheel& operator=(const DeadlineWheel&) = delete;

    /// Adds an entry, or moves it to another time.
    void set(DeadlineEntry& entry, TimePoint due);
    void remove(DeadlineEntry& entry);
    /// Takes out everything that is due at `now`.
    [[nodiscard]] std::vector<DeadlineEntry*> expire(TimePoint now);
    /// When to ask again; nothing while the wheel is empty. May be too early by whole turns, never too late.
    [[nodiscard]] std::optional<TimePoint> next_look() const;
    [[nodiscard]] std::size_t size() const { return size_; }

   private:
    [[nodiscard]] std::uint64_t tick_of(TimePoint time) const;

    TimePoint start_;
    std::uint64_t done_ = 0;  // every tick up to this one has been looked at
    std::size_t size_ = 0;
    std::array<DeadlineEntry, slots> rings_;  // heads of circular lists
};

}  // namespace caisson::dispatch
