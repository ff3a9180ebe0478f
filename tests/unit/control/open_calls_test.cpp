// SPDX-License-Identifier: Apache-2.0
#include "control/open_calls.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace caisson::control {
namespace {

TEST(OpenCalls, NothingIsFoundWhereNothingIs) {
    OpenCalls calls;
    EXPECT_TRUE(calls.empty());
    EXPECT_EQ(calls.find(0), nullptr);
    EXPECT_EQ(calls.find(7), nullptr);
}

TEST(OpenCalls, ANumberCanBeUsedAgainOnceItsCallHasEnded) {
    OpenCalls calls;
    calls.add(0, 1).handle = 41;
    ASSERT_NE(calls.find(0), nullptr);
    EXPECT_EQ(calls.find(0)->handle, 41U);
    calls.end(*calls.find(0), 1);
    EXPECT_EQ(calls.find(0), nullptr);
    EXPECT_EQ(calls.add(0, 1).handle, 0U) << "a place starts clean";
}

TEST(OpenCalls, ABatchEndsWithItsLastItem) {
    OpenCalls calls;
    auto& batch = calls.add(1, wire::max_batch_items);
    calls.end(batch, wire::max_batch_items - 1);
    EXPECT_EQ(calls.find(1), &batch);
    calls.end(batch, 1);
    EXPECT_EQ(calls.find(1), nullptr);
    EXPECT_TRUE(calls.empty());
}

// Any order of beginnings and ends, over numbers as clients choose them.
TEST(OpenCalls, KnowsWhatIsOpenWhateverTheNumbersAre) {
    std::mt19937_64 random{20261122};
    for (const std::uint64_t stride : {std::uint64_t{1}, std::uint64_t{1} << 16, std::uint64_t{1} << 48, random()}) {
        OpenCalls calls;
        std::map<std::uint64_t, dispatch::Handle> open;
        for (std::uint64_t step = 0; step < 20'000; ++step) {
            const auto id = random() % 6000 * stride;
            auto* const found = calls.find(id);
            ASSERT_EQ(found != nullptr, open.contains(id));
            if (found == nullptr) {
                calls.add(id, 1).handle = open[id] = step;
            } else {
                EXPECT_EQ(found->handle, open[id]);
                calls.remove(*found);
                open.erase(id);
            }
        }
        std::map<std::uint64_t, dispatch::Handle> visited;
        calls.for_each([&](const OpenCall& call) { visited[call.id] = call.handle; });
        EXPECT_EQ(visited, open);
    }
}

TEST(OpenCalls, CallsStayWhereTheyAreWhileOthersCome) {
    OpenCalls calls;
    auto& first = calls.add(1, 1);
    for (std::uint64_t id = 2; id < 10'000; ++id) (void)calls.add(id, 1);
    EXPECT_EQ(calls.find(1), &first);
    for (std::uint64_t id = 1; id < 10'000; ++id) calls.remove(*calls.find(id));
    EXPECT_TRUE(calls.empty());
    EXPECT_EQ(calls.find(1), nullptr);
    calls.add(1, 1).handle = 5;
    EXPECT_EQ(calls.find(1)->handle, 5U);
}

}  // namespace
}  // namespace caisson::control
