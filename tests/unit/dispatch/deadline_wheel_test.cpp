// SPDX-License-Identifier: Apache-2.0
#include "dispatch/deadline_wheel.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint t0{5000s};

TEST(DeadlineWheel, IsNeverEarlyAndAtMostATickLate) {
    DeadlineWheel wheel{t0};
    DeadlineEntry entry;
    wheel.set(entry, t0 + 10ms);
    EXPECT_TRUE(wheel.expire(t0 + 9999us).empty());
    const auto look = wheel.next_look();
    ASSERT_TRUE(look);
    EXPECT_GE(*look, t0 + 10ms);
    EXPECT_LE(*look, t0 + 10ms + DeadlineWheel::tick);
    EXPECT_EQ(wheel.expire(*look).size(), 1U);
    EXPECT_FALSE(entry.in_wheel());
    EXPECT_FALSE(wheel.next_look());
}

TEST(DeadlineWheel, TheFarFutureWaitsForItsTurn) {
    DeadlineWheel wheel{t0};
    DeadlineEntry entry;
    wheel.set(entry, t0 + 1h);
    TimePoint now = t0;
    int looks = 0;
    while (entry.in_wheel() && looks < 100000) {
        now = std::max(now, *wheel.next_look());
        for (auto* const expired : wheel.expire(now)) EXPECT_LE(expired->due, now);
        ++looks;
    }
    EXPECT_GE(now, t0 + 1h);
    EXPECT_LE(now, t0 + 1h + DeadlineWheel::tick);
    EXPECT_LE(looks, 3600 * 1000 / (4 * 1024) + 2) << "one look a turn of the wheel, not one a tick";
}

TEST(DeadlineWheel, MovesAndRemoves) {
    DeadlineWheel wheel{t0};
    DeadlineEntry moved;
    DeadlineEntry removed;
    wheel.set(moved, t0 + 10ms);
    wheel.set(removed, t0 + 10ms);
    wheel.set(moved, t0 + 50ms);
    wheel.remove(removed);
    EXPECT_EQ(wheel.size(), 1U);
    EXPECT_TRUE(wheel.expire(t0 + 40ms).empty());
    EXPECT_EQ(wheel.expire(t0 + 60ms).size(), 1U);
    wheel.remove(moved);
    EXPECT_EQ(wheel.size(), 0U);
}

TEST(DeadlineWheel, WhatIsDueAlreadyExpiresAtTheNextLook) {
    DeadlineWheel wheel{t0};
    (void)wheel.expire(t0 + 1s);
    DeadlineEntry entry;
    wheel.set(entry, t0);
    ASSERT_TRUE(wheel.next_look());
    EXPECT_LE(*wheel.next_look(), t0 + 1s + DeadlineWheel::tick);
    EXPECT_EQ(wheel.expire(*wheel.next_look()).size(), 1U);
}

TEST(DeadlineWheel, AfterALongPauseNothingIsForgotten) {
    DeadlineWheel wheel{t0};
    std::deque<DeadlineEntry> entries(5000);
    for (std::size_t i = 0; i < entries.size(); ++i) wheel.set(entries[i], t0 + i * 3ms);
    EXPECT_EQ(wheel.expire(t0 + 10h).size(), entries.size());
}

TEST(DeadlineWheel, AgreesWithSortingWhateverIsDone) {
    const auto seed = std::random_device{}();
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    DeadlineWheel wheel{t0};
    std::deque<DeadlineEntry> entries(300);
    TimePoint now = t0;
    for (int step = 0; step < 20000; ++step) {
        auto& entry = entries[random() % entries.size()];
        if (random() % 4 == 0)
            wheel.remove(entry);
        else if (random() % 3 != 0)
            wheel.set(entry, now + std::chrono::milliseconds{random() % 20000});
        now += std::chrono::milliseconds{random() % 10};
        for (auto* const expired : wheel.expire(now)) ASSERT_LE(expired->due, now);
        for (const auto& waiting : entries) {
            if (waiting.in_wheel()) {
                ASSERT_GT(waiting.due, now - 2 * DeadlineWheel::tick);
            }
        }
    }
}

}  // namespace
}  // namespace caisson::dispatch
