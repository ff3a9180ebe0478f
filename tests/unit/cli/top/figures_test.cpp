// SPDX-License-Identifier: Apache-2.0
#include "cli/top/figures.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace caisson::cli::top {
namespace {

TEST(TopFigures, Times) {
    EXPECT_EQ(short_time(0), "0s");
    EXPECT_EQ(short_time(-1), "0s");
    EXPECT_EQ(short_time(0.000012), "12us");
    EXPECT_EQ(short_time(0.00099949), "999us");
    EXPECT_EQ(short_time(0.0009996), "1.0ms");
    EXPECT_EQ(short_time(0.0034), "3.4ms");
    EXPECT_EQ(short_time(0.850), "850ms");
    EXPECT_EQ(short_time(0.9996), "1.0s");
    EXPECT_EQ(short_time(12.34), "12.3s");
    EXPECT_EQ(short_time(59.96), "1m00s");
    EXPECT_EQ(short_time(250), "4m10s");
    EXPECT_EQ(short_time(7500), "2h05m");
    EXPECT_EQ(short_time(3 * 86400 + 4 * 3600), "3d04h");
    EXPECT_EQ(short_time(400 * 86400), "400d");
    EXPECT_FALSE(short_time(std::numeric_limits<double>::infinity()).empty());
    EXPECT_EQ(short_time(std::numeric_limits<double>::quiet_NaN()), "0s");
}

TEST(TopFigures, Rates) {
    EXPECT_EQ(short_rate(0), "0");
    EXPECT_EQ(short_rate(1.5), "1.5");
    EXPECT_EQ(short_rate(9.96), "10");
    EXPECT_EQ(short_rate(12345.4), "12,345");
    EXPECT_EQ(short_rate(99'999.6), "100k");
    EXPECT_EQ(short_rate(999'600), "1.0M");
    EXPECT_EQ(short_rate(23.4e6), "23M");
}

TEST(TopFigures, Sizes) {
    EXPECT_EQ(short_size(512), "512B");
    EXPECT_EQ(short_size(1024), "1.0K");
    EXPECT_EQ(short_size(12582912), "12M");
    EXPECT_EQ(short_size(1023LL * 1024 * 1024 + 800'000), "1.0G");
    EXPECT_EQ(short_size(-3), "0B");
}

TEST(TopFigures, Counts) {
    EXPECT_EQ(short_count(1234567), "1,234,567");
    EXPECT_EQ(short_count(12'345'678), "12.3M");
    EXPECT_EQ(short_count(999'960'000), "1.0G");
    EXPECT_EQ(short_count(-1), "-1");
}

}  // namespace
}  // namespace caisson::cli::top
