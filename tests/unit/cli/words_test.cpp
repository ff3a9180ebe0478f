// SPDX-License-Identifier: Apache-2.0
#include "cli/words.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(Words, AnAgeHasAtMostTwoUnits) {
    EXPECT_EQ(age(-5), "0 s");
    EXPECT_EQ(age(59), "59 s");
    EXPECT_EQ(age(60), "1 min");
    EXPECT_EQ(age(190), "3 min 10 s");
    EXPECT_EQ(age(7500), "2 h 5 min");
    EXPECT_EQ(age(3 * 86400 + 4 * 3600 + 59), "3 d 4 h");
}

TEST(Words, NumbersAreGrouped) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1000), "1,000");
    EXPECT_EQ(grouped(1234567), "1,234,567");
    EXPECT_EQ(counted(1, "call"), "1 call");
    EXPECT_EQ(counted(2000, "call"), "2,000 calls");
}

TEST(Words, OneDecimal) {
    EXPECT_EQ(one_decimal(0), "0.0");
    EXPECT_EQ(one_decimal(3.46), "3.5");
}

}  // namespace
}  // namespace caisson::cli
