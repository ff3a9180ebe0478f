// SPDX-License-Identifier: Apache-2.0
#include "client/call_table.hpp"

#include <gtest/gtest.h>

namespace caisson::client {
namespace {

TEST(CallTable, NumbersCountUpFromOne) {
    CallTable table;
    EXPECT_EQ(table.add().id, 1U);
    EXPECT_EQ(table.add().id, 2U);
    EXPECT_EQ(table.size(), 2U);
}

TEST(CallTable, FindsWhatIsThereAndNothingElse) {
    CallTable table;
    const auto id = table.add().id;
    ASSERT_NE(table.find(id), nullptr);
    EXPECT_EQ(table.find(id + 64), nullptr) << "the same place, another call";
    EXPECT_EQ(table.find(0), nullptr);
    table.remove(*table.find(id));
    EXPECT_EQ(table.find(id), nullptr);
    EXPECT_EQ(table.size(), 0U);
}

TEST(CallTable, GrowsWithManyAndKeepsAll) {
    CallTable table;
    std::vector<std::uint64_t> ids;
    for (int i = 0; i < 5000; ++i) {
        auto& call = table.add();
        call.output = std::to_string(call.id);
        ids.push_back(call.id);
    }
    for (const auto id : ids) {
        ASSERT_NE(table.find(id), nullptr);
        EXPECT_EQ(table.find(id)->output, std::to_string(id));
    }
}

TEST(CallTable, ACallThatNeverEndsIsSteppedOver) {
    CallTable table;
    const auto stuck = table.add().id;
    for (int i = 0; i < 1000; ++i) {
        auto& call = table.add();
        ASSERT_NE(call.id, stuck);
        table.remove(call);
    }
    EXPECT_NE(table.find(stuck), nullptr);
    EXPECT_EQ(table.size(), 1U);
}

TEST(CallTable, DrainsInOrder) {
    CallTable table;
    for (int i = 0; i < 100; ++i) (void)table.add();
    table.remove(*table.find(50));
    const auto ids = table.drain();
    EXPECT_EQ(ids.size(), 99U);
    EXPECT_TRUE(std::ranges::is_sorted(ids));
    EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace caisson::client
