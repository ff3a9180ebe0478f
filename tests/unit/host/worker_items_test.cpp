// SPDX-License-Identifier: Apache-2.0
// caisson.items/1 through the real worker: what a plugin may do with many items at once, and what it gets for breaking
// the contract.
#include <caisson/plugin.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <csignal>

#include "unit/host/worker_process.hpp"
#include "wire/records.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using wire::Claim;
using wire::Type;

class WorkerItems : public testing::Test {
   protected:
    void SetUp() override { worker_.start("items"); }

    void send(std::string_view method, int items, wire::Header more = {.type = Type::batch}) {
        wire::Buffer records;
        for (int i = 1; i <= items; ++i) wire::append_record(records, wire::bytes_of(std::to_string(i)));
        worker_.add(1, method, wire::Frame::text(records), more);
        worker_.send();
    }
    /// Outcomes of items 1 to `items`: the output of what is ok, else the error.
    std::vector<std::string> take(std::size_t items) {
        std::vector<std::string> ends;
        while (ends.size() < items) {
            const auto frame = worker_.receive();
            if (!frame) break;
            EXPECT_EQ(frame->header.id, ends.size() + 1) << "in their order";
            if (frame->header.type == Type::result) {
                ends.push_back(frame->header.a == CAISSON_OK ? frame->body : "failed: " + frame->head);
                continue;
            }
            EXPECT_EQ(frame->header.type, Type::run);
            wire::RecordReader records{wire::bytes_of(frame->body)};
            while (const auto record = records.next()) ends.emplace_back(wire::Frame::text(*record));
            EXPECT_TRUE(records.at_end());
        }
        return ends;
    }

    WorkerProcess worker_;
};

TEST_F(WorkerItems, GoodOnesLeaveInOneRun) {
    send("echoes", 1000);
    const auto ends = take(1000);
    ASSERT_EQ(ends.size(), 1000U);
    EXPECT_EQ(ends.front(), "1");
    EXPECT_EQ(ends.back(), "1000");
    EXPECT_EQ(Claim::from(worker_.box().claim).sequence, 1000U);
    EXPECT_EQ(worker_.box().running, 0U);
}

TEST_F(WorkerItems, SingleCallsGoTheirOwnWay) { EXPECT_EQ(worker_.call(1, "echoes", "x").body, "alone"); }

TEST_F(WorkerItems, WhatWasNotEndedHasFailed) {
    send("skips", 4);
    EXPECT_THAT(take(4), ElementsAre(HasSubstr("had not ended this one"), "2", HasSubstr("had not ended"), "4"));
    EXPECT_EQ(worker_.call(5, "echoes").body, "alone") << "the worker goes on";
}

TEST_F(WorkerItems, APluginThatTakesNoneGetsThemOneByOne) {
    send("stops", 3);
    EXPECT_THAT(take(3), ElementsAre("alone", "alone", "alone"));
}

TEST_F(WorkerItems, APluginThatReturnsEarlyIsAskedAgain) {
    send("returns_early", 2);
    EXPECT_THAT(take(2), ElementsAre(HasSubstr("returned and had not ended"), HasSubstr("returned and had not ended")));
}

TEST_F(WorkerItems, OnlyTheFirstAnswerCounts) {
    send("answers_twice", 3);
    EXPECT_THAT(take(3), ElementsAre("1", "2", "3"));
}

TEST_F(WorkerItems, StrangeEndsAreTamed) {
    send("strange", 3);
    EXPECT_THAT(take(3), ElementsAre("x", "failed: no status to fail with", "failed: "));
}

TEST_F(WorkerItems, LargeOutputsLeaveInMemfds) {
    send("large", 2);
    for (std::uint64_t id = 1; id <= 2; ++id) {
        EXPECT_EQ(worker_.receive()->header.type, Type::memory);
        const auto result = worker_.receive();
        EXPECT_EQ(result->header.flags, wire::flag::detached);
        EXPECT_EQ(result->header.id, id);
    }
}

TEST_F(WorkerItems, LinesLeaveWithTheirItem) {
    send("prints", 2);
    EXPECT_THAT(take(2), ElementsAre("1", "2"));
    worker_.add({.type = Type::stop});
    worker_.send();
    EXPECT_EQ(worker_.wait(), 0);
    EXPECT_EQ(worker_.output(), "line 1\nline 2\n");
}

TEST_F(WorkerItems, APassedDeadlineKeepsThemFromStarting) {
    send("echoes", 3, {.type = Type::batch, .time_ns = 1});
    EXPECT_THAT(take(3), testing::Each("failed: deadline passed before start"));
}

TEST_F(WorkerItems, ACancelledOneDoesNotStart) {
    worker_.box().cancel_sequence = 2;
    send("echoes", 3);
    EXPECT_THAT(take(3), ElementsAre("1", "failed: cancelled before start", "3"));
}

// Nothing of it had left: the results are in the open run only.
TEST_F(WorkerItems, ADeathLeavesTheOpenRunBehind) {
    send("dies", 5);
    const int status = worker_.wait();
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    const auto& box = worker_.box();
    EXPECT_EQ(Claim::from(box.claim).sequence, 4U) << "the one that ran";
    EXPECT_EQ(box.run_end - box.written, sizeof(wire::Header) + 3 * (wire::record_head_bytes + 1));
}

}  // namespace
}  // namespace caisson::test
