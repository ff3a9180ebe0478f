// SPDX-License-Identifier: Apache-2.0
#include "cli/look_ahead.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

// Lets `calls` end one after the other at this pace.
TimePoint let_end(LookAhead& ahead, TimePoint now, int calls, Duration each) {
    for (int i = 0; i < calls; ++i) ahead.ended(1, now += each);
    return now;
}

TEST(LookAhead, StartsWithTwoForEachWorker) {
    EXPECT_EQ(LookAhead(8, {}, {}).limit(), 16U);
    EXPECT_EQ(LookAhead(0, {}, {}).limit(), 4U) << "nobody knows how many there are";
    EXPECT_EQ(LookAhead(1'000'000, {}, {}).limit(), LookAhead::max_calls);
}

TEST(LookAhead, DoublesWithEachRoundOfResults) {
    LookAhead ahead{2, {}, {}};
    TimePoint now{};
    int rounds = 0;
    for (; ahead.limit() < LookAhead::max_calls; ++rounds) ahead.ended(ahead.limit(), now += 1ms);
    EXPECT_EQ(rounds, 11);
}

TEST(LookAhead, HoldsWhatEndsWithinASecond) {
    LookAhead ahead{2, {}, {}};
    auto now = let_end(ahead, {}, 3000, 1ms);
    EXPECT_NEAR(static_cast<double>(ahead.limit()), 1000, 120);
    now = let_end(ahead, now, 300, 10ms);
    EXPECT_NEAR(static_cast<double>(ahead.limit()), 100, 20) << "it became slower";
    now = let_end(ahead, now, 3, 1s);
    EXPECT_EQ(ahead.limit(), 4U) << "and so slow that each worker has one and one waits";
    let_end(ahead, now, 3000, 1ms);
    EXPECT_GT(ahead.limit(), 800U) << "and fast again";
}

TEST(LookAhead, LeavesMostOfTheTimeOfACallToTheCall) {
    LookAhead ahead{2, 400ms, {}};
    let_end(ahead, {}, 3000, 1ms);
    EXPECT_NEAR(static_cast<double>(ahead.limit()), 100, 20);
    LookAhead endless{2, 0ms, {}};
    let_end(endless, {}, 3000, 1ms);
    EXPECT_NEAR(static_cast<double>(endless.limit()), 1000, 120);
}

}  // namespace
}  // namespace caisson::cli
