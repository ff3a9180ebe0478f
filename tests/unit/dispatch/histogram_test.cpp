// SPDX-License-Identifier: Apache-2.0
#include "dispatch/histogram.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;

TEST(Histogram, EachBucketBeginsWhereTheOneBeforeEnds) {
    for (std::size_t i = 0; i + 1 < Histogram::buckets; ++i) {
        const auto end = Histogram::end_of(i);
        EXPECT_EQ(Histogram::index_of(end - 1), i);
        EXPECT_EQ(Histogram::index_of(end), i + 1);
    }
}

TEST(Histogram, ABucketIsAtMostAnEighthAsWideAsItsTimesAreLong) {
    for (std::size_t i = 16; i < Histogram::buckets; ++i) {
        const auto begin = Histogram::end_of(i - 1);
        EXPECT_LE(8 * (Histogram::end_of(i) - begin), begin) << i;
    }
}

TEST(Histogram, WhatIsOutOfRangeIsInTheFirstOrTheLast) {
    EXPECT_EQ(Histogram::index_of(-1), 0U);
    EXPECT_EQ(Histogram::index_of(INT64_MIN), 0U);
    EXPECT_EQ(Histogram::index_of(INT64_MAX), Histogram::buckets - 1);
}

TEST(Histogram, PowersOfTwoAreEndsOfBucketsSoThatNothingIsEstimated) {
    for (int bits = Histogram::unit_bits; bits < Histogram::range_bits; ++bits) {
        Histogram histogram;
        histogram.add(Histogram::index_of((std::int64_t{1} << bits) - 1), 3);
        histogram.add(Histogram::index_of(std::int64_t{1} << bits), 5);
        EXPECT_EQ(histogram.count_below(bits), 3U) << bits;
    }
}

TEST(Histogram, KnowsQuantilesWithinAnEighth) {
    std::mt19937 chance{1};
    std::lognormal_distribution<double> times{12, 2};  // nanoseconds, around 160 us
    Histogram histogram;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 10'000; ++i) {
        all.push_back(static_cast<std::int64_t>(times(chance)));
        histogram.add(Histogram::index_of(all.back()), 1);
    }
    std::ranges::sort(all);
    EXPECT_EQ(histogram.count(), all.size());
    for (const double q : {0.01, 0.5, 0.9, 0.99, 1.0}) {
        const auto real = static_cast<double>(all[static_cast<std::size_t>(std::ceil(q * 10'000)) - 1]);
        EXPECT_NEAR(static_cast<double>(histogram.quantile(q).count()), real, real / 8 + 128) << q;
    }
}

TEST(Histogram, WithoutATimeHasNoQuantile) { EXPECT_EQ(Histogram{}.quantile(0.99), 0ns); }

TEST(Histogram, AddsWeightsAndOthers) {
    Histogram one;
    one.add(Histogram::index_of(1'000), 10);
    Histogram two;
    two.add(Histogram::index_of(1'000'000), 30);
    one.add(two);
    EXPECT_EQ(one.count(), 40U);
    EXPECT_GT(one.quantile(0.5), 900us);
    EXPECT_LT(one.quantile(0.25), 2us);
    one.clear();
    EXPECT_EQ(one.count(), 0U);
}

}  // namespace
}  // namespace caisson::dispatch
