// SPDX-License-Identifier: Apache-2.0
#include "base/settle.hpp"

#include <gtest/gtest.h>

namespace caisson {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

TEST(Settle, WantsNothingWhileNothingHappens) { EXPECT_FALSE(Settle{200ms}.due()); }

TEST(Settle, WaitsUntilItWasQuiet) {
    Settle settle{200ms};
    settle.note(start);
    EXPECT_EQ(settle.due(), start + 200ms);
    settle.note(start + 150ms);
    EXPECT_EQ(settle.due(), start + 350ms);
}

TEST(Settle, DoesNotWaitForEverForAStorm) {
    Settle settle{200ms};
    for (auto at = 0ms; at <= 10s; at += 100ms) settle.note(start + at);
    EXPECT_EQ(settle.due(), start + 1s);
}

TEST(Settle, BeginsAnewWhenItWasActedOn) {
    Settle settle{200ms};
    settle.note(start);
    settle.done();
    EXPECT_FALSE(settle.due());
    settle.note(start + 1h);
    EXPECT_EQ(settle.due(), start + 1h + 200ms);
}

}  // namespace
}  // namespace caisson
