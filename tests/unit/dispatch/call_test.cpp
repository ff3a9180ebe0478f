// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

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
    auto& extra = call.make_extra();
    extra.params = "secret";
    extra.body.resize(100);
    call.attempt = 3;
    table.remove(call);
    const auto& again = table.add();
    EXPECT_TRUE(again.params().empty());
    EXPECT_TRUE(again.input().empty());
    EXPECT_EQ(again.attempt, 0);
    EXPECT_EQ(table.size(), 1U);
}

TEST(CallTable, ABatchIsSplitAndStaysOneBatch) {
    CallTable table;
    auto& call = table.add();
    call.state = CallState::held;
    call.number = 100;
    call.items = 10;
    const auto batch = std::make_shared<Batch>();
    call.make_extra().batch = batch;
    batch->parts = &call;
    for (std::uint32_t i = 0; i <= 10; ++i) batch->offsets.push_back(i * 4);
    batch->bytes.resize(40);
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
    for (const auto* part = batch->parts; part != nullptr; part = part->extra()->part_next) ++parts;
    EXPECT_EQ(parts, 3U);
    table.remove(call);
    table.remove(back);
    EXPECT_EQ(batch->parts, &front);
    table.remove(front);
    EXPECT_EQ(batch->parts, nullptr);
}

TEST(CallTable, RecordsStayWhereTheyAreHoweverManyThereAre) {
    constexpr std::size_t count = 3000;
    CallTable table;
    std::vector<Call*> calls;
    for (std::size_t i = 0; i < count; ++i) {
        calls.push_back(&table.add());
        calls.back()->state = CallState::queued;
        calls.back()->number = i;
    }
    for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(table.find(calls[i]->token), calls[i]);
        EXPECT_EQ(calls[i]->number, i);
    }
    EXPECT_EQ(table.in_state(CallState::queued).size(), count);
    for (std::size_t i = 0; i < count; i += 2) table.remove(*calls[i]);
    EXPECT_EQ(table.size(), count / 2);
    for (std::size_t i = 0; i < count / 2; ++i) EXPECT_EQ(table.add().attempt, 0);
    EXPECT_EQ(table.size(), count);
}

TEST(Call, AnInputIsTinyOrElsewhere) {
    const std::vector<std::byte> most(TinyBody::max_bytes, std::byte{7});
    Call call;
    EXPECT_TRUE(call.input().empty());
    call.set_tiny(most);
    EXPECT_TRUE(std::ranges::equal(call.input(), most));
    EXPECT_EQ(call.extra(), nullptr);
    EXPECT_EQ(call.memory(), nullptr);
    EXPECT_EQ(call.batch(), nullptr);
    const std::vector<std::byte> lent(100, std::byte{8});
    call.make_extra().params = "{}";
    EXPECT_TRUE(call.input().empty());
    call.extra()->lent = lent;
    EXPECT_EQ(call.input().data(), lent.data());
    EXPECT_EQ(call.bytes(), 102U);
}

TEST(Call, NobodyHearsOfAnAbandonedCallThatKeepsItsTurn) {
    char place = 0;
    Call call;
    call.caller = reinterpret_cast<Receiver*>(&place);
    EXPECT_EQ(call.receiver(), call.caller);
    call.abandoned = true;
    EXPECT_EQ(call.receiver(), nullptr);
}

TEST(MethodNames, ANameStandsOnceHoweverManyHaveIt) {
    MethodNames names;
    const auto first = names.get("square");
    const auto second = names.get("square");
    EXPECT_EQ(&first.text(), &second.text());
    EXPECT_EQ(names.size(), 1U);
}

TEST(MethodNames, NamesThatNobodyHasAreDropped) {
    MethodNames names;
    const auto kept = names.get("kept");
    for (std::size_t i = 0; i < 10'000; ++i) {
        EXPECT_EQ(names.get(std::to_string(i)).text(), std::to_string(i));
        ASSERT_LE(names.size(), wire::max_methods);
    }
    EXPECT_EQ(&names.get("kept").text(), &kept.text());
}

TEST(MethodNames, NamesThatAreHadStayHoweverManyThereAre) {
    MethodNames names;
    std::vector<MethodName> had;
    for (std::size_t i = 0; i < 5000; ++i) had.push_back(names.get(std::to_string(i)));
    for (std::size_t i = 0; i < had.size(); ++i) EXPECT_EQ(had[i].text(), std::to_string(i));
}

}  // namespace
}  // namespace caisson::dispatch
