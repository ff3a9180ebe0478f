// SPDX-License-Identifier: Apache-2.0
#include "fleet/pulse.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;
constexpr Duration tick = 250ms;

TEST(Pulse, IsSilentFromTheFirstLookWithoutANewSign) {
    Pulse pulse;
    EXPECT_EQ(pulse.look(1, true, tick, false), 0ms);
    for (int looks = 1; looks <= 4; ++looks) EXPECT_EQ(pulse.look(1, true, tick, false), looks * tick);
    EXPECT_EQ(pulse.look(2, true, tick, false), 0ms) << "it moved";
}

TEST(Pulse, IsNotMissedWhereNoSignIsDue) {
    Pulse pulse;
    for (int looks = 0; looks < 100; ++looks) EXPECT_EQ(pulse.look(1, false, tick, false), 0ms);
    EXPECT_EQ(pulse.look(1, true, tick, false), tick) << "the count begins when it is due";
}

// The service was stopped for half a minute, or had no processor: its own silence is not the worker's.
TEST(Pulse, CountsAnewAfterALateLook) {
    Pulse pulse;
    (void)pulse.look(1, true, tick, false);
    for (int looks = 0; looks < 3; ++looks) (void)pulse.look(1, true, tick, false);
    EXPECT_EQ(pulse.look(1, true, 30s, true), 0ms);
    EXPECT_EQ(pulse.look(1, true, tick, false), tick);
}

TEST(Pulse, ALookIsLateWhenItTookHalfAsLongAgain) {
    EXPECT_FALSE(is_late(tick, tick));
    EXPECT_FALSE(is_late(tick + 125ms, tick));
    EXPECT_TRUE(is_late(tick + 126ms, tick));
    EXPECT_TRUE(is_late(30s, tick));
}

// What the judge concludes: so many looks in time, one after the other, and never one that slept through them.
TEST(Pulse, OnlyAnUnbrokenRowOfLooksInTimeAddsUp) {
    for (int late_at = 0; late_at < looks_per_heartbeat; ++late_at) {
        Pulse pulse;
        (void)pulse.look(1, true, tick, false);
        Duration silent{};
        for (int look = 0; look < looks_per_heartbeat; ++look)
            silent = pulse.look(1, true, look == late_at ? Duration{1h} : tick, look == late_at);
        EXPECT_LT(silent, looks_per_heartbeat * tick) << late_at;
    }
}

}  // namespace
}  // namespace caisson::fleet
