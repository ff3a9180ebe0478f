// SPDX-License-Identifier: Apache-2.0
#include "client/call_table.hpp"

#include <gtest/gtest.h>

namespace caisson::client {
namespace {

TEST(CallTable, NumbersCountUpFromOne) {
    CallTable table;
    EXPECT_EQ(table.add().id, 1U);
    EXPECT_EQ(table.add().id, 2U);
    EXPECT_EQ(table.outstanding(), 2U);
}

TEST(CallTable, FindsWhatIsThereAndNothingElse) {
    CallTable table;
    const auto id = table.add().id;
    ASSERT_NE(table.find(id), nullptr);
    EXPECT_EQ(table.find(id + 64), nullptr) << "the same place, another call";
    EXPECT_EQ(table.find(0), nullptr);
    EXPECT_TRUE(table.end(*table.find(id), {}));
    EXPECT_EQ(table.find(id), nullptr);
    EXPECT_EQ(table.outstanding(), 0U);
}

TEST(CallTable, GrowsWithManyAndKeepsAll) {
    CallTable table;
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 5000; ++i) {
        auto& call = table.add();
        call.stream = call.id % 3 == 0;
        ids.push_back(call.id);
    }
    for (const auto id : ids) {
        ASSERT_NE(table.find(id), nullptr);
        EXPECT_EQ(table.find(id)->stream, id % 3 == 0);
    }
}

TEST(CallTable, ACallThatNeverEndsIsSteppedOver) {
    CallTable table;
    const auto stuck = table.add().id;
    for (int i = 0; i < 1000; ++i) {
        auto& call = table.add();
        ASSERT_NE(call.id, stuck);
        ASSERT_TRUE(table.end(call, {}));
    }
    EXPECT_NE(table.find(stuck), nullptr);
    EXPECT_EQ(table.outstanding(), 1U);
}

TEST(CallTable, DrainsInOrder) {
    CallTable table;
    for (int i = 0; i < 100; ++i) (void)table.add();
    ASSERT_TRUE(table.end(*table.find(50), {}));
    const auto calls = table.drain();
    EXPECT_EQ(calls.size(), 99U);
    EXPECT_TRUE(std::ranges::is_sorted(calls, {}, &OpenCall::id));
    EXPECT_EQ(table.outstanding(), 0U);
}

TEST(CallTable, ItemsOfABatchEndOnceEach) {
    CallTable table;
    (void)table.add();
    const auto id = table.add(10).id;
    EXPECT_EQ(table.outstanding(), 11U);
    EXPECT_TRUE(table.end(*table.find(id), {.first = 3, .count = 4}));
    EXPECT_EQ(table.outstanding(), 7U);
    for (const ItemRange bad : {ItemRange{3, 1}, ItemRange{6, 2}, ItemRange{0, 4}, ItemRange{10, 1}, ItemRange{9, 2},
                                ItemRange{0, 0}, ItemRange{0, 11}, ItemRange{0xFFFFFFFF, 2}})
        EXPECT_FALSE(table.end(*table.find(id), bad)) << bad.first << " " << bad.count;
    EXPECT_EQ(table.outstanding(), 7U) << "what is refused marks nothing";
    EXPECT_EQ(table.find(id)->open_ranges(), (std::vector<ItemRange>{{0, 3}, {7, 3}}));
    EXPECT_TRUE(table.end(*table.find(id), {.first = 0, .count = 3}));
    EXPECT_TRUE(table.end(*table.find(id), {.first = 7, .count = 3}));
    EXPECT_EQ(table.find(id), nullptr);
    EXPECT_EQ(table.outstanding(), 1U);
}

TEST(CallTable, ACallIsOneItem) {
    CallTable table;
    const auto id = table.add().id;
    EXPECT_EQ(table.find(id)->open_ranges(), (std::vector<ItemRange>{{0, 1}}));
    EXPECT_FALSE(table.end(*table.find(id), {.first = 1, .count = 1}));
    EXPECT_FALSE(table.end(*table.find(id), {.first = 0, .count = 2}));
    EXPECT_TRUE(table.end(*table.find(id), {.first = 0, .count = 1}));
}

}  // namespace
}  // namespace caisson::client
