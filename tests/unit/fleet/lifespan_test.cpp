// SPDX-License-Identifier: Apache-2.0
#include "fleet/lifespan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Lifespan, IsBetweenFourFifthsAndTheWhole) {
    const settings::Recycling rules{.max_calls = 1000, .max_age = 10s, .max_memory = 1'000'000};
    EXPECT_EQ(lifespan(rules, 0).calls, 1000U);
    EXPECT_EQ(lifespan(rules, 1).calls, 800U);
    EXPECT_EQ(lifespan(rules, 0.5).age, 9s);
    EXPECT_EQ(lifespan(rules, 1).memory_bytes, 800'000U);
    for (double luck = 0; luck <= 1; luck += 0.01) {
        EXPECT_LE(lifespan(rules, luck).calls, 1000U);
        EXPECT_GE(lifespan(rules, luck).calls, 800U);
    }
}

TEST(Lifespan, OfDifferentLuckIsDifferent) {
    const settings::Recycling rules{.max_age = 1h};
    EXPECT_GT(lifespan(rules, 0.1).age, lifespan(rules, 0.2).age);
}

TEST(Lifespan, OfZeroIsWithoutEnd) {
    EXPECT_EQ(outlived({.calls = UINT64_MAX, .age = 24h * 365, .memory_bytes = UINT64_MAX}, {}, 0.5), "");
}

TEST(Lifespan, OfOneCallIsOneCall) {
    EXPECT_EQ(lifespan({.max_calls = 1}, 1).calls, 1U);
    EXPECT_EQ(outlived({.calls = 0}, {.max_calls = 1}, 1), "");
    EXPECT_NE(outlived({.calls = 1}, {.max_calls = 1}, 1), "");
}

TEST(Lifespan, SaysWhichOfThemIsOver) {
    const settings::Recycling rules{.max_calls = 100, .max_age = 10s, .max_memory = 1000};
    EXPECT_EQ(outlived({.calls = 99, .age = 9s, .memory_bytes = 999}, rules, 0), "");
    EXPECT_THAT(outlived({.calls = 100}, rules, 0), HasSubstr("max_calls"));
    EXPECT_THAT(outlived({.age = 10s}, rules, 0), HasSubstr("max_age"));
    EXPECT_THAT(outlived({.memory_bytes = 1000}, rules, 0), HasSubstr("max_memory"));
}

}  // namespace
}  // namespace caisson::fleet
