// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call_queue.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace caisson::dispatch {
namespace {

/// Callers are only compared, so any address will do.
Receiver* caller(std::size_t number) {
    static char places[16];
    return reinterpret_cast<Receiver*>(&places[number]);
}

class CallQueueTest : public testing::Test {
   protected:
    Call& call(std::size_t from, int priority = 0, std::size_t body_bytes = 0) {
        auto& made = table.add();
        made.caller = caller(from);
        made.priority = static_cast<std::int8_t>(priority);
        made.set_tiny(std::vector<std::byte>(body_bytes));
        made.number = ++numbers_;
        return made;
    }
    std::vector<std::uint64_t> take_all() {
        std::vector<std::uint64_t> order;
        while (auto* const next = queue.next()) {
            queue.end_turn();
            queue.remove(*next);
            order.push_back(next->number);
        }
        return order;
    }

    CallTable table;
    CallQueue queue;

   private:
    std::uint64_t numbers_ = 0;
};

TEST_F(CallQueueTest, KeepsTheOrderOfOneCallerAndCountsBytes) {
    auto& first = call(0, 0, 10);
    auto& second = call(0, 0, 10);
    auto& third = call(0, 0, 10);
    queue.push_back(second);
    queue.push_back(third);
    queue.push_front(first);
    EXPECT_EQ(queue.size(), 3U);
    EXPECT_EQ(queue.bytes(), 30U);
    queue.remove(second);
    EXPECT_EQ(queue.bytes(), 20U);
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{1, 3}));
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.bytes(), 0U);
}

TEST_F(CallQueueTest, MoreUrgentCallsGoFirst) {
    for (const int priority : {0, -10, 10, 3}) queue.push_back(call(0, priority));
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{3, 4, 1, 2}));
}

TEST_F(CallQueueTest, CallersTakeTurns) {
    for (const std::size_t from : {0U, 0U, 0U, 1U, 1U, 2U}) queue.push_back(call(from));
    EXPECT_EQ(queue.callers_in_turn(), 3U);
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{1, 4, 6, 2, 5, 3}));
}

TEST_F(CallQueueTest, ANewCallerComesBehindThoseThatWait) {
    queue.push_back(call(0));
    queue.push_back(call(0));
    queue.push_back(call(1));
    queue.push_back(call(2));
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{1, 3, 4, 2}));
}

TEST_F(CallQueueTest, AHeldCallerGetsNoTurnAndLosesNothing) {
    queue.push_back(call(0));
    queue.push_back(call(1));
    queue.hold(caller(0), true);
    queue.push_back(call(0));
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{2}));
    EXPECT_EQ(queue.size(), 2U);
    EXPECT_NE(queue.any(), nullptr);
    queue.hold(caller(0), false);
    EXPECT_EQ(take_all(), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(CallQueueTest, ACallerCanBeHeldBeforeItHasAnything) {
    queue.hold(caller(3), true);
    queue.hold(caller(3), true);
    auto& waiting = call(3, 10);
    queue.push_back(waiting);
    EXPECT_EQ(queue.next(), nullptr);
    queue.remove(waiting);
    queue.hold(caller(3), false);
    queue.push_back(call(3));
    EXPECT_NE(queue.next(), nullptr);
}

}  // namespace
}  // namespace caisson::dispatch
