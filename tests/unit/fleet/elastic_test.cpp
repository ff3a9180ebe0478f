// SPDX-License-Identifier: Apache-2.0
#include "fleet/elastic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
constexpr TimePoint t0{1000s};
constexpr auto after = 100ms;

TEST(Growth, ComesWhenACallHasWaitedForSoLong) {
    Growth growth;
    EXPECT_EQ(growth.note({.calls = 5, .next = 10, .newest = 14}, t0, after), t0 + after);
    EXPECT_EQ(growth.grow(t0 + 99ms, after, 8), 0U);
    // The call that is next was there when the watch began.
    EXPECT_EQ(growth.note({.calls = 9, .next = 12, .newest = 20}, t0 + 50ms, after), t0 + after);
    EXPECT_EQ(growth.grow(t0 + 100ms, after, 8), 1U);
}

TEST(Growth, DoesNotComeWhileTheQueueMovesQuickly) {
    Growth growth;
    std::uint64_t next = 1;
    for (auto now = t0; now < t0 + 10s; now += 50ms, next += 10) {
        (void)growth.note({.calls = 5, .next = next, .newest = next + 4}, now, after);
        EXPECT_EQ(growth.grow(now, after, 8), 0U) << "there always waits something, and nothing for long";
    }
}

TEST(Growth, DoublesWhileItDoesNotHelp) {
    Growth growth;
    auto now = t0;
    (void)growth.note({.calls = 100, .next = 1, .newest = 100}, now, after);
    for (const std::uint32_t more : {1U, 2U, 4U, 8U}) {
        EXPECT_EQ(growth.grow(now + after - 1ms, after, 64), 0U);
        EXPECT_EQ(growth.grow(now += after, after, 64), more);
    }
    (void)growth.note({}, now, after);  // all have been given
    (void)growth.note({.calls = 1, .next = 200, .newest = 200}, now, after);
    EXPECT_EQ(growth.grow(now + after, after, 64), 1U) << "the next time it begins small";
}

TEST(Growth, IsNoMoreThanWhatWaitsAndWhatIsAllowed) {
    Growth growth;
    (void)growth.note({.calls = 1, .next = 1, .newest = 1}, t0, after);
    EXPECT_EQ(growth.grow(t0 + 1s, after, 64), 1U);
    EXPECT_EQ(growth.grow(t0 + 2s, after, 64), 1U) << "one call waits: two workers are no help";
    EXPECT_EQ(growth.grow(t0 + 3s, after, 0), 0U);
    EXPECT_FALSE(growth.note({}, t0 + 4s, after));
    EXPECT_EQ(growth.grow(t0 + 9s, after, 64), 0U);
}

TEST(Shrink, LetsThoseGoThatWereIdleLongest) {
    const std::optional<TimePoint> idle[] = {t0 + 5s, std::nullopt, t0, t0 + 1s};
    const auto [surplus, look_again] = shrink(idle, 2, 10s, t0 + 20s);
    EXPECT_THAT(surplus, ElementsAre(2, 3));
    EXPECT_FALSE(look_again) << "no more of them may go";
}

TEST(Shrink, LooksAgainWhenTheNextIsDue) {
    const std::optional<TimePoint> idle[] = {t0 + 5s, t0};
    const auto [surplus, look_again] = shrink(idle, 2, 10s, t0 + 10s);
    EXPECT_THAT(surplus, ElementsAre(1));
    EXPECT_EQ(look_again, t0 + 15s);
}

TEST(Shrink, LeavesTheBusyAndLooksAgainLater) {
    const std::optional<TimePoint> idle[] = {std::nullopt, std::nullopt};
    const auto [surplus, look_again] = shrink(idle, 1, 10s, t0);
    EXPECT_THAT(surplus, IsEmpty());
    EXPECT_EQ(look_again, t0 + 10s);
}

TEST(Shrink, NeverGoesBelowTheLeast) {
    const std::optional<TimePoint> idle[] = {t0, t0, t0};
    const auto [surplus, look_again] = shrink(idle, 0, 1s, t0 + 1h);
    EXPECT_THAT(surplus, IsEmpty());
    EXPECT_FALSE(look_again);
}

}  // namespace
}  // namespace caisson::fleet
