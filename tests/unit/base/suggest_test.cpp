// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace caisson {
namespace {

const std::vector<std::string> keys = {"workers", "timeout", "queue", "restart", "env", "settings", "stop"};

TEST(EditDistance, CountsEachKindOfSlipOnce) {
    EXPECT_EQ(edit_distance("workers", "workers"), 0U);
    EXPECT_EQ(edit_distance("workers", "worker"), 1U);    // removed
    EXPECT_EQ(edit_distance("workers", "woorkers"), 1U);  // inserted
    EXPECT_EQ(edit_distance("workers", "workerz"), 1U);   // replaced
    EXPECT_EQ(edit_distance("workers", "wrokers"), 1U);   // swapped
}

TEST(EditDistance, KnowsEmptyWordsAndKnownPairs) {
    EXPECT_EQ(edit_distance("", ""), 0U);
    EXPECT_EQ(edit_distance("", "abc"), 3U);
    EXPECT_EQ(edit_distance("abc", ""), 3U);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
    // Unlike optimal string alignment (3), letters may be inserted between two that were swapped.
    EXPECT_EQ(edit_distance("CA", "ABC"), 2U);
    EXPECT_EQ(edit_distance("a cat", "an abct"), 3U);
}

TEST(EditDistance, IsAMetric) {
    const std::vector<std::string> words = {"", "a", "ab", "ba", "abc", "acb", "cab", "abcd", "badc", "\xff\x80"};
    for (const auto& a : words)
        for (const auto& b : words) {
            EXPECT_EQ(edit_distance(a, b), edit_distance(b, a)) << a << ' ' << b;
            EXPECT_EQ(edit_distance(a, b) == 0, a == b);
            for (const auto& c : words) EXPECT_LE(edit_distance(a, c), edit_distance(a, b) + edit_distance(b, c));
        }
}

TEST(Nearest, FindsWhatWasMeant) {
    EXPECT_EQ(nearest("wrokers", keys), "workers");
    EXPECT_EQ(nearest("Workers", keys), "workers");
    EXPECT_EQ(nearest("tiemout", keys), "timeout");
    EXPECT_EQ(nearest("setings", keys), "settings");
    EXPECT_EQ(nearest("evn", keys), "env");
}

TEST(Nearest, DoesNotGuess) {
    EXPECT_EQ(nearest("memory", keys), std::nullopt);
    EXPECT_EQ(nearest("", keys), std::nullopt);
    EXPECT_EQ(nearest("x", keys), std::nullopt);
    EXPECT_EQ(nearest(std::string(10'000, 'w'), keys), std::nullopt);
    EXPECT_EQ(nearest("abc", std::vector<std::string>{}), std::nullopt);
    // One letter is no part of another one.
    EXPECT_EQ(nearest("x", std::vector<std::string>{"y"}), std::nullopt);
}

TEST(Nearest, TakesTheFirstOfEquals) {
    EXPECT_EQ(nearest("math1", std::vector<std::string>{"math2", "math3"}), "math2");
    EXPECT_EQ(nearest("math3", std::vector<std::string>{"math2", "math3"}), "math3");
}

TEST(DidYouMean, IsReadyToAppend) {
    EXPECT_EQ(did_you_mean("wrokers", keys), " (did you mean \"workers\"?)");
    EXPECT_EQ(did_you_mean("nothing", keys), "");
}

}  // namespace
}  // namespace caisson
