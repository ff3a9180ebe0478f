// SPDX-License-Identifier: Apache-2.0
#include "cli/words.hpp"

#include <gtest/gtest.h>

#include "cli/progress_line.hpp"

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

TEST(Progress, SaysHowFarHowFastAndHowLong) {
    EXPECT_EQ(progress_text({.done = 5000, .failed = 0, .fraction = 0.5}, 10, 79),
              "[##########..........] 50%  5,000 calls, 500/s, 10 s left");
    EXPECT_EQ(progress_text({.done = 12, .failed = 3, .fraction = -1}, 2, 79), "12 calls, 6/s, 3 failed");
    EXPECT_LE(progress_text({.done = 123456789, .failed = 3, .fraction = 0.5}, 10, 40).size(), 40U);
}

}  // namespace
}  // namespace caisson::cli
