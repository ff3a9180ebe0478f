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

TEST(CallQueue, KeepsOrderAndCountsBytes) {
    CallTable table;
    CallQueue queue;
    Call* calls[4];
    for (auto& call : calls) {
        call = &table.add();
        call->body.resize(10);
    }
    queue.push_back(*calls[1]);
    queue.push_back(*calls[2]);
    queue.push_front(*calls[0]);
    queue.push_back(*calls[3]);
    EXPECT_EQ(queue.size(), 4U);
    EXPECT_EQ(queue.bytes(), 40U);
    queue.remove(*calls[1]);
    queue.remove(*calls[3]);
    EXPECT_EQ(queue.front(), calls[0]);
    queue.remove(*calls[0]);
    EXPECT_EQ(queue.front(), calls[2]);
    queue.remove(*calls[2]);
    EXPECT_EQ(queue.front(), nullptr);
    EXPECT_EQ(queue.bytes(), 0U);
    queue.push_back(*calls[3]);
    EXPECT_EQ(queue.front(), calls[3]);
}

}  // namespace
}  // namespace caisson::dispatch
