// SPDX-License-Identifier: Apache-2.0
#include "fleet/canary.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};
const settings::Restart two_restarts{.intensity = 2, .period = 10s};

TEST(Canary, IsProvenByCallsThatItHasAnswered) {
    Canary canary{{.calls = 3, .time = 1h}, two_restarts};
    EXPECT_FALSE(canary.proven(start));
    canary.on_ready(start);
    canary.on_good(2);
    EXPECT_FALSE(canary.proven(start));
    canary.on_good(1);
    EXPECT_TRUE(canary.proven(start));
}

TEST(Canary, IsProvenByTimeWithoutAnyCall) {
    Canary canary{{.calls = 3, .time = 10s}, two_restarts};
    EXPECT_FALSE(canary.due());
    canary.on_ready(start);
    EXPECT_EQ(canary.due(), start + 10s);
    EXPECT_FALSE(canary.proven(start + 9s));
    EXPECT_TRUE(canary.proven(start + 10s));
}

TEST(Canary, IsNotProvenByTimeIfAllItsAnswersWereBad) {
    Canary canary{{.calls = 3, .time = 10s}, two_restarts};
    canary.on_ready(start);
    EXPECT_FALSE(canary.on_bad(2));
    EXPECT_FALSE(canary.proven(start + 1h));
    EXPECT_TRUE(canary.on_bad(1)) << "as many as would have proved it";
    canary.on_good(1);
    EXPECT_FALSE(canary.on_bad(100)) << "a bad answer now and then is nothing new";
    EXPECT_TRUE(canary.proven(start + 1h));
}

TEST(Canary, ThatNeedsNoCallsWaitsForTime) {
    Canary canary{{.calls = 0, .time = 10s}, two_restarts};
    canary.on_ready(start);
    canary.on_good(1000);
    EXPECT_FALSE(canary.proven(start));
}

TEST(Canary, ThatNeedsNoTimeIsProvenWhenItIsReady) {
    Canary canary{{.calls = 3, .time = 0s}, two_restarts};
    EXPECT_FALSE(canary.proven(start));
    canary.on_ready(start);
    EXPECT_TRUE(canary.proven(start));
}

TEST(Canary, BeginsAnewAfterAnEnd) {
    Canary canary{{.calls = 3, .time = 10s}, two_restarts};
    canary.on_ready(start);
    canary.on_good(2);
    EXPECT_FALSE(canary.on_end(EndCause::in_call, start + 1s, 0).roll_back);
    EXPECT_FALSE(canary.due());
    EXPECT_FALSE(canary.proven(start + 1h));
    canary.on_ready(start + 2s);
    canary.on_good(1);
    EXPECT_FALSE(canary.proven(start + 3s));
    EXPECT_EQ(canary.due(), start + 12s);
}

TEST(Canary, IsRolledBackWhenItEndsMoreOftenThanAPoolMay) {
    for (const auto cause : {EndCause::failed_start, EndCause::outside_call, EndCause::in_call}) {
        Canary canary{{}, two_restarts};
        EXPECT_FALSE(canary.on_end(cause, start, 0).roll_back);
        EXPECT_FALSE(canary.on_end(cause, start + 1s, 0).roll_back);
        EXPECT_TRUE(canary.on_end(cause, start + 2s, 0).roll_back);
        EXPECT_EQ(canary.ends(), 3U);
    }
}

TEST(Canary, ThatEndsNowAndThenIsNotRolledBack) {
    Canary canary{{}, two_restarts};
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(canary.on_end(EndCause::outside_call, start + i * 11s, 0).roll_back);
}

TEST(Canary, IsNotBlamedForWhatTheSupervisorEnded) {
    Canary canary{{}, two_restarts};
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(canary.on_end(EndCause::intended, start, 0).roll_back);
    EXPECT_EQ(canary.ends(), 0U);
}

}  // namespace
}  // namespace caisson::fleet
