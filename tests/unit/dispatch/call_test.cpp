// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call.hpp"

#include <gtest/gtest.h>

namespace caisson::dispatch {
namespace {

TEST(CallTable, ALateWordAboutAnEndedCallFindsNothing) {
    CallTable table;
    auto& call = table.add();
    call.state = CallState::held;
    const auto token = call.token;
    EXPECT_NE(token, 0U);
    EXPECT_EQ(table.find(token), &call);
    table.remove(call);
    EXPECT_EQ(table.find(token), nullptr);
    auto& next = table.add();
    next.state = CallState::held;
    EXPECT_EQ(&next, &call) << "the record is used again";
    EXPECT_NE(next.token, token);
    EXPECT_EQ(table.find(token), nullptr);
}

TEST(CallTable, UnknownTokensAreNothing) {
    CallTable table;
    EXPECT_EQ(table.find(0), nullptr);
    EXPECT_EQ(table.find(~CallToken{0}), nullptr);
}

TEST(CallTable, ARecordStartsClean) {
    CallTable table;
    auto& call = table.add();
    call.state = CallState::held;
    call.params = "secret";
    call.body.resize(100);
    call.attempt = 3;
    table.remove(call);
    const auto& again = table.add();
    EXPECT_TRUE(again.params.empty());
    EXPECT_TRUE(again.body.empty());
    EXPECT_EQ(again.attempt, 0);
    EXPECT_EQ(table.size(), 1U);
}

TEST(CallTable, ABatchIsSplitAndStaysOneBatch) {
    CallTable table;
    auto& call = table.add();
    call.state = CallState::held;
    call.number = 100;
    call.items = 10;
    call.batch = std::make_shared<Batch>();
    call.batch->parts = &call;
    for (std::uint32_t i = 0; i <= 10; ++i) call.batch->offsets.push_back(i * 4);
    call.batch->bytes.resize(40);
    auto& front = table.split_front(call, 2);
    auto& back = table.split_back(call, 3);
    EXPECT_EQ(front.first_item, 0U);
    EXPECT_EQ(front.items, 2U);
    EXPECT_EQ(call.first_item, 2U);
    EXPECT_EQ(call.items, 5U);
    EXPECT_EQ(call.number, 102U);
    EXPECT_EQ(back.first_item, 7U);
    EXPECT_EQ(back.number, 107U);
    EXPECT_EQ(back.input().size(), 12U);
    std::size_t parts = 0;
    for (const auto* part = call.batch->parts; part != nullptr; part = part->part_next) ++parts;
    EXPECT_EQ(parts, 3U);
    table.remove(call);
    const auto batch = front.batch;
    table.remove(back);
    EXPECT_EQ(batch->parts, &front);
    table.remove(front);
    EXPECT_EQ(batch->parts, nullptr);
}

}  // namespace
}  // namespace caisson::dispatch
