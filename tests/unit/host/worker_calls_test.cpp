// SPDX-License-Identifier: Apache-2.0
// Calls through the real worker: answers, batches, bounds, cancelling, claims.
#include <caisson/plugin.h>
#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstring>

#include "base/clock.hpp"
#include "unit/host/worker_process.hpp"
#include "wire/records.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using wire::Claim;
using wire::Encoding;
using wire::Type;

class WorkerCalls : public testing::Test {
   protected:
    void SetUp() override { worker_.start("probe"); }
    WorkerProcess worker_;
};

TEST_F(WorkerCalls, AnswersInTheEncodingOfThePlugin) {
    const Message answer = worker_.call(1, "echo", "[1]", {.encoding = Encoding::json});
    EXPECT_EQ(answer.header.type, Type::result);
    EXPECT_EQ(answer.header.id, 1U);
    EXPECT_EQ(answer.header.a, CAISSON_OK);
    EXPECT_EQ(answer.header.encoding, Encoding::json);
    EXPECT_GE(answer.header.time_ns, 0);
    EXPECT_EQ(answer.head, "");
    EXPECT_EQ(answer.body, "[1]");
    EXPECT_EQ(Claim::from(worker_.box().claim).sequence, 1U);
    EXPECT_EQ(worker_.box().running.load(), 0U);
    EXPECT_EQ(worker_.call(2, "echo").body, "");
}

TEST_F(WorkerCalls, ManyTinyCallsCostOneWrite) {
    const int before = worker_.reads();
    for (std::uint64_t id = 1; id <= 100; ++id) worker_.add(id, "echo", std::to_string(id));
    worker_.send();
    for (std::uint64_t id = 1; id <= 100; ++id) {
        const auto answer = worker_.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->header.id, id);
        EXPECT_EQ(answer->body, std::to_string(id));
    }
    EXPECT_EQ(worker_.reads() - before, 1);
}

TEST_F(WorkerCalls, TheRingWrapsUnderManyResults) {
    // Several times its size, asked for in one go: the worker must send in between.
    const std::string body(5000, 'x');
    for (std::uint64_t id = 1; id <= 200; ++id) {
        worker_.add(id, "echo", body);
        if (id % 20 == 0) worker_.send();
        if (id % 20 != 0) continue;
        for (int i = 0; i < 20; ++i) {
            const auto answer = worker_.receive();
            ASSERT_TRUE(answer);
            EXPECT_EQ(answer->body, body);
        }
    }
    EXPECT_GT(worker_.box().written.load(), 3U * wire::ring_bytes);
}

TEST_F(WorkerCalls, StreamsToWhoeverWantsPieces) {
    for (const std::size_t size : {10U, 65'536U, 65'537U, 3'000'000U}) {
        worker_.add(size, "big", std::to_string(size), {.flags = wire::flag::stream});
        worker_.send();
        std::string whole;
        for (;;) {
            const auto piece = worker_.receive();
            ASSERT_TRUE(piece);
            whole += piece->body;
            if (piece->header.type == Type::result) break;
            EXPECT_EQ(piece->header.type, Type::chunk);
            EXPECT_LE(piece->body.size(), 65'536U);
        }
        ASSERT_EQ(whole.size(), size);
        // No byte is lost, doubled or out of its place.
        for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(whole[i], static_cast<char>('a' + i % 26)) << i;
    }
}

TEST_F(WorkerCalls, HandsOverWhatIsLargeInAMemfdThatLeavesFirst) {
    const Message fits = worker_.call(1, "big", "65536");
    EXPECT_EQ(fits.header.flags, 0);
    EXPECT_EQ(fits.body.size(), 65'536U);
    worker_.add(2, "big", "65537");
    worker_.send();
    const auto carrier = worker_.receive();
    const auto result = worker_.receive();
    ASSERT_TRUE(carrier && result);
    EXPECT_EQ(carrier->header.type, Type::memory);
    EXPECT_EQ(result->header.type, Type::result);
    EXPECT_EQ(result->header.flags, wire::flag::detached);
    std::uint64_t bytes = 0;
    ASSERT_EQ(result->body.size(), sizeof bytes);
    std::memcpy(&bytes, result->body.data(), sizeof bytes);
    EXPECT_EQ(bytes, 65'537U);
}

TEST_F(WorkerCalls, RunsABatchItemByItem) {
    wire::Buffer records;
    for (const std::string_view body : {"one", "", "three"}) wire::append_record(records, wire::bytes_of(body));
    worker_.add(5, "echo", wire::Frame::text(records), {.type = Type::batch});
    worker_.send();
    const auto run = worker_.receive();
    ASSERT_TRUE(run);
    EXPECT_EQ(run->header.type, Type::run);
    EXPECT_EQ(run->header.id, 5U);
    EXPECT_EQ(run->body, wire::Frame::text(records)) << "echoes, so that their records are those that came";
    EXPECT_EQ(wire::Claim::from(worker_.box().claim.load()).sequence, 7U);
}

TEST_F(WorkerCalls, WhatFailsInABatchStandsBetweenRuns) {
    wire::Buffer records;
    for (const std::string_view body : {"a", "b", "c"}) wire::append_record(records, wire::bytes_of(body));
    worker_.add(1, "fail_with_text", wire::Frame::text(records), {.type = Type::batch});
    worker_.send();
    for (std::uint64_t id = 1; id <= 3; ++id) {
        const auto answer = worker_.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->header.type, Type::result);
        EXPECT_EQ(answer->header.id, id);
        EXPECT_EQ(answer->header.a, CAISSON_NOT_FOUND);
    }
}

TEST_F(WorkerCalls, LargeBodiesGoThroughTheBlackBox) {
    const std::string input(1'500'000, 'i');
    std::memcpy(worker_.box().input, input.data(), input.size());
    const std::uint64_t bytes = input.size();
    const std::string size{reinterpret_cast<const char*>(&bytes), sizeof bytes};
    constexpr std::uint8_t flags = wire::flag::boxed | wire::flag::copied;
    const Message answer = worker_.call(1, "echo", size, {.flags = flags});
    EXPECT_EQ(answer.header.type, Type::result);
    EXPECT_EQ(answer.header.flags, wire::flag::boxed);
    EXPECT_EQ(answer.body, size);
    EXPECT_EQ(std::memcmp(worker_.box().output, input.data(), input.size()), 0);

    // The place is taken until it was copied: the next one comes in a memfd.
    worker_.add(2, "echo", size, {.flags = flags});
    worker_.send();
    EXPECT_EQ(worker_.receive()->header.type, Type::memory);
    EXPECT_EQ(worker_.receive()->header.flags, wire::flag::detached);
    worker_.box().output_taken = 1;
    EXPECT_EQ(worker_.call(3, "echo", size, {.flags = flags}).header.flags, wire::flag::boxed);
}

TEST_F(WorkerCalls, WhatOutgrowsTheBlackBoxMovesToAMemfd) {
    worker_.add(1, "big", "3000000", {.flags = wire::flag::copied});  // in many writes
    worker_.send();
    EXPECT_EQ(worker_.receive()->header.type, Type::memory);
    const auto result = worker_.receive();
    EXPECT_EQ(result->header.flags, wire::flag::detached);
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, result->body.data(), sizeof bytes);
    EXPECT_EQ(bytes, 3'000'000U);
    EXPECT_EQ(worker_.call(2, "big", "70000", {.flags = wire::flag::copied}).header.flags, wire::flag::boxed)
        << "the place was not taken by what left it";
}

TEST_F(WorkerCalls, TakesLargeInput) {
    const std::string body(4'000'000, 'y');
    worker_.add(1, "fail_with_text", body);
    worker_.send();
    const auto answer = worker_.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->head.size(), 16U * 1024);
}

TEST_F(WorkerCalls, ErrorTextIsBoundedAndValid) {
    const Message answer = worker_.call(1, "fail_with_text", "no \xFF such thing");
    EXPECT_EQ(answer.header.a, CAISSON_NOT_FOUND);
    EXPECT_EQ(answer.head, "no ? such thing");
}

TEST_F(WorkerCalls, AStrangeStatusIsInternal) {
    const Message answer = worker_.call(1, "strange_status");
    EXPECT_EQ(answer.header.a, CAISSON_INTERNAL);
    EXPECT_EQ(answer.head, "the method returned 7, which is no status");
}

TEST_F(WorkerCalls, AMethodThatIsNotThereIsNotFound) {
    const Message answer = worker_.call(1, "no_such_method");
    EXPECT_EQ(answer.header.a, CAISSON_NOT_FOUND);
    EXPECT_THAT(answer.head, HasSubstr("no such method"));
}

TEST_F(WorkerCalls, WrongPointersAreIgnored) {
    EXPECT_EQ(worker_.call(1, "keep").header.a, CAISSON_OK);
    const Message answer = worker_.call(2, "misuse");
    EXPECT_EQ(answer.header.a, CAISSON_OK) << answer.head;
    EXPECT_EQ(answer.header.encoding, Encoding::bytes);
    EXPECT_EQ(answer.body, "right");
}

TEST_F(WorkerCalls, ThreadsOfThePluginMayWrite) { EXPECT_EQ(worker_.call(1, "threads").body.size(), 4000U); }

TEST_F(WorkerCalls, ForkedChildrenDoNotAnswer) {
    EXPECT_EQ(worker_.call(1, "fork_and_return").body, "parent");
    EXPECT_EQ(worker_.call(2, "echo", "next").body, "next");
    EXPECT_EQ(worker_.box().crash.progress.load(), 0U);
}

TEST_F(WorkerCalls, LinesArriveWithTheirCall) {
    EXPECT_EQ(worker_.call(1, "print", "no line end").header.a, CAISSON_OK);
    EXPECT_EQ(worker_.output(), "no line end");
}

TEST_F(WorkerCalls, ProgressIsThinnedOut) {
    worker_.add(1, "flood_progress");
    worker_.send();
    int count = 0;
    for (;;) {
        const auto message = worker_.receive();
        ASSERT_TRUE(message);
        if (message->header.type == Type::result) break;
        ASSERT_EQ(message->header.type, Type::progress);
        EXPECT_EQ(message->head, "tick");
        ++count;
    }
    EXPECT_GE(count, 1);
    EXPECT_LT(count, 1000);
}

TEST_F(WorkerCalls, ARunningCallSeesItsCancellation) {
    worker_.add(5, "wait_cancelled");
    worker_.send();
    const auto progress = worker_.receive();
    ASSERT_TRUE(progress);
    EXPECT_EQ(progress->header.type, Type::progress);
    EXPECT_EQ(progress->header.a, 250'000U);
    EXPECT_EQ(progress->head, "waiting");
    EXPECT_EQ(worker_.box().running.load(), 5U);
    EXPECT_GT(worker_.box().started_ns.load(), 0);
    worker_.box().cancel_sequence = 5;
    const auto answer = worker_.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header.a, CAISSON_CANCELLED);
}

TEST_F(WorkerCalls, StoppingCancelsWhateverRuns) {
    worker_.add(5, "wait_cancelled");
    worker_.send();
    ASSERT_TRUE(worker_.receive());
    worker_.box().stopping = 1;
    const auto answer = worker_.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header.a, CAISSON_CANCELLED);
}

TEST_F(WorkerCalls, ADeadlineCancelsARunningCall) {
    worker_.add(5, "wait_cancelled", {}, {.time_ns = to_ns(Clock::now()) + 100'000'000});
    worker_.send();
    ASSERT_TRUE(worker_.receive());
    const auto answer = worker_.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header.a, CAISSON_CANCELLED);
}

TEST_F(WorkerCalls, APassedDeadlineKeepsACallFromStarting) {
    const Message answer = worker_.call(1, "segv", {}, {.time_ns = 1});
    EXPECT_EQ(answer.header.a, CAISSON_CANCELLED);
    EXPECT_EQ(answer.head, "deadline passed before start");
}

TEST_F(WorkerCalls, TakenBackCallsAreNotStarted) {
    EXPECT_EQ(worker_.call(1, "echo", "one").body, "one");
    Claim claim = Claim::from(worker_.box().claim);
    claim.closed = true;
    claim.generation = claim.next_generation();
    worker_.box().claim = claim.word();
    worker_.add(2, "segv");
    worker_.add(3, "segv");
    worker_.add({.type = Type::reopen, .a = 99});  // not the one that counts
    worker_.add(4, "segv");
    worker_.add({.type = Type::reopen, .a = claim.generation});
    worker_.add({.type = Type::cancel, .id = 5});
    EXPECT_EQ(worker_.call(5, "echo", "five").body, "five");
    EXPECT_EQ(Claim::from(worker_.box().claim).sequence, 5U);
    EXPECT_FALSE(Claim::from(worker_.box().claim).closed);
}

TEST_F(WorkerCalls, StopsInGoodOrderAfterTheCallsBeforeIt) {
    worker_.add(1, "echo", "last");
    worker_.add({.type = Type::stop});
    worker_.send();
    const int status = worker_.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
    const auto left = worker_.leftovers();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].body, "last");
    EXPECT_EQ(worker_.output(), "destroyed\n");
}

TEST_F(WorkerCalls, EndsAtOnceWithoutASupervisor) {
    worker_.hang_up();
    const int status = worker_.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 5);
    EXPECT_EQ(worker_.output(), "") << "destroy() is for a stop in good order";
}

TEST_F(WorkerCalls, NumbersMustGrow) {
    EXPECT_EQ(worker_.call(7, "echo").header.id, 7U);
    worker_.add(7, "echo");
    worker_.send();
    EXPECT_EQ(WEXITSTATUS(worker_.wait()), 4);
}

TEST_F(WorkerCalls, ResultsOfALostSocketAreInTheBlackBox) {
    worker_.add(1, "close_socket");
    worker_.send();
    const int status = worker_.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 6);
    const auto left = worker_.leftovers();
    ASSERT_EQ(left.size(), 1U);
    EXPECT_EQ(left[0].body, "still answered");
}

TEST(WorkerCallsOfCxx, ExceptionsDoNotCross) {
    WorkerProcess worker;
    worker.start("throws");
    const Message standard = worker.call(1, "standard");
    EXPECT_EQ(standard.header.a, CAISSON_INTERNAL);
    EXPECT_EQ(standard.head, "an exception left the plugin: out of cheese");
    EXPECT_EQ(worker.call(2, "strange").head, "an exception left the plugin");
}

}  // namespace
}  // namespace caisson::test
