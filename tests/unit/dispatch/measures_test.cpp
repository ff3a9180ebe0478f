// SPDX-License-Identifier: Apache-2.0
#include "dispatch/measures.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{1000s};

TEST(Rate, IsWhatEndedInTheSecondsThatAreOver) {
    Rate rate;
    rate.note(100, 0);
    rate.note(101, 50);  // all in second 100
    EXPECT_DOUBLE_EQ(rate.over(1), 50);
    rate.note(102, 60);
    EXPECT_DOUBLE_EQ(rate.over(1), 10);
    EXPECT_DOUBLE_EQ(rate.over(10), 30) << "over the two seconds that there have been";
    rate.note(112, 60);  // nothing for ten seconds
    EXPECT_DOUBLE_EQ(rate.over(1), 0);
    EXPECT_DOUBLE_EQ(rate.over(10), 0);
    EXPECT_DOUBLE_EQ(rate.over(60), 5);
}

TEST(Rate, ForgetsWhatIsOlderThanAMinute) {
    Rate rate;
    rate.note(100, 0);
    rate.note(101, 6000);
    rate.note(160, 6000);
    EXPECT_DOUBLE_EQ(rate.over(60), 100);
    rate.note(161, 6000);
    EXPECT_DOUBLE_EQ(rate.over(60), 0);
    rate.note(1000, 6030);
    EXPECT_DOUBLE_EQ(rate.over(60), 0) << "when they ended is not known: before the minute began";
    rate.note(1001, 6090);
    EXPECT_DOUBLE_EQ(rate.over(1), 60);
    EXPECT_DOUBLE_EQ(rate.over(60), 1);
}

TEST(Rate, OfAServiceWithoutHistoryIsNone) {
    Rate rate;
    EXPECT_DOUBLE_EQ(rate.over(60), 0);
    rate.note(5, 0);
    EXPECT_DOUBLE_EQ(rate.over(1), 0);
}

TEST(Measures, OfTheLastMinuteGoAndOfAllTimeStay) {
    Measures measures;
    const OutcomeCounts ended{};
    measures.at(start, ended);
    measures.add(measures.method("square"), {.items = 4, .waiting_ns = 1'000'000, .running_ns = 3'000'000});
    EXPECT_EQ(measures.last_minute().total.count(), 4U);
    EXPECT_NEAR(seconds(measures.last_minute().total.quantile(0.5)), 0.004, 0.0005);
    EXPECT_NEAR(seconds(measures.last_minute().waiting.quantile(0.5)), 0.001, 0.0001);

    measures.at(start + 40s, ended);
    measures.add(measures.method("square"), {.items = 1, .waiting_ns = 0, .running_ns = 1});
    EXPECT_EQ(measures.last_minute().total.count(), 5U);
    measures.at(start + 70s, ended);
    EXPECT_EQ(measures.last_minute().total.count(), 1U);
    EXPECT_EQ(measures.since_start().total.count(), 5U);
    measures.at(start + 10h, ended);
    EXPECT_EQ(measures.last_minute().total.count(), 0U);
    EXPECT_EQ(measures.since_start().total.count(), 5U);
}

TEST(Measures, OfAMethodAreSums) {
    Measures measures;
    auto& method = measures.method("square");
    measures.add(method, {.items = 10, .waiting_ns = 2'000'000'000, .running_ns = 1'000'000'000});
    EXPECT_EQ(method.waiting.count(), 10U);
    EXPECT_DOUBLE_EQ(method.waiting_s, 20);
    EXPECT_DOUBLE_EQ(method.running_s, 10);
}

TEST(Measures, OfManyMethodsAreBounded) {
    Measures measures;
    for (int i = 0; i < 1000; ++i) ++measures.method("method_" + std::to_string(i)).by_outcome[0];
    EXPECT_LE(measures.methods().size(), limits::measured_methods + 1);
    EXPECT_EQ(&measures.method("method_1"), &measures.method("method_1"));
    const auto rest = measures.methods().find("");
    ASSERT_NE(rest, measures.methods().end());
    EXPECT_EQ(rest->second->by_outcome[0], 1000 - limits::measured_methods);
}

}  // namespace
}  // namespace caisson::dispatch
