// SPDX-License-Identifier: Apache-2.0
/// Calls that take too long, wait too long, are too many, or that nobody wants any more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

class Deadlines : public testing::Test {
   protected:
    /// Calls that ended in this way.
    [[nodiscard]] int ended(std::string_view pool, const char* outcome) const {
        return service_.pool(pool).at("calls").at(outcome);
    }

    Service service_{{.pools = R"(
[defaults]
workers = 1
[defaults.stop]
grace = "100ms"
[pool.math]
[pool.ledger]
plugin = ")" + fixture_library("ledger") +
                               R"("
[pool.ledger.queue]
calls = 2
[pool.chaos]
plugin = ")" + chaos_library() +
                               "\"\n"}};
};

TEST_F(Deadlines, OfARunningCallThatGivesUpSparesItsWorker) {
    const auto before = service_.workers("chaos");
    const auto ended = service_.run({"call", "chaos.sleep", "600000", "--timeout", "200ms"});
    EXPECT_EQ(ended.code, 5);
    EXPECT_THAT(ended.err, HasSubstr("chaos.sleep timed out while running: its deadline passed while it ran"));
    EXPECT_EQ(service_.workers("chaos"), before);
    EXPECT_EQ(service_.run({"call", "chaos.ok", "1"}).out, "1");
}

TEST_F(Deadlines, OfARunningCallThatDoesNotGiveUpCostsItsWorker) {
    const auto before = service_.workers("chaos");
    const auto ended = service_.run({"call", "chaos.spin", "--timeout", "200ms", "--json"});
    EXPECT_EQ(ended.code, 5);
    const auto document = Json::parse(ended.out);
    EXPECT_EQ(document.at("phase"), "running");
    EXPECT_EQ(document.at("exit").at("kind"), "killed");
    EXPECT_THAT(document.at("message"), HasSubstr("did not give up within stop.grace"));
    EXPECT_EQ(service_.run({"call", "chaos.ok", "1"}).out, "1");
    EXPECT_NE(service_.workers("chaos"), before);
}

TEST_F(Deadlines, OfAWaitingCallSaysThatItWaited) {
    const Gate gate;
    Program first{service_.command({"call", "ledger.gate", gate.path()})};
    service_.await_running("ledger", 1);
    const auto second = service_.run({"call", "ledger.note", "never", "--timeout", "200ms"});
    EXPECT_EQ(second.code, 5);
    EXPECT_THAT(second.err, HasSubstr("timed out while waiting"));
    gate.open("at last");
    const auto ended = first.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "at last");
}

// A short deadline must not wait for the look at a long one that was set before it.
TEST_F(Deadlines, AShortOneIsMetBeforeALongerCallEnds) {
    const Gate gate;
    Program first{service_.command({"call", "ledger.gate", gate.path(), "--timeout", "1min"})};
    service_.await_running("ledger", 1);
    auto client = service_.client();
    const auto longer = client.submit({.target = "chaos.sleep", .body = wire::bytes_of("2000")});
    const auto shorter = client.submit({.target = "ledger.note", .timeout = 20ms});
    ASSERT_TRUE(longer && shorter);
    for (const auto expected : {*shorter, *longer}) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        EXPECT_EQ(std::get<Done>(**event).call, expected);
    }
    gate.open("");
    EXPECT_EQ(first.wait().code, 0);
}

// With room in the worker for more than one call, the second has been sent ahead: it is taken back.
TEST_F(Deadlines, OfACallThatWaitsInsideAWorkerSaysThatItWaited) {
    const Gate gate;
    auto client = service_.client();
    for (int i = 0; i < 100; ++i) ASSERT_EQ(call(client, "chaos.ok", "1").output, "1");
    const auto slow = client.submit({.target = "chaos.sleep", .body = wire::bytes_of("3000")});
    std::vector<std::uint64_t> behind;
    for (int i = 0; i < 3; ++i)
        behind.push_back(*client.submit({.target = "chaos.ok", .body = wire::bytes_of("1"), .timeout = 200ms}));
    for (int i = 0; i < 3; ++i) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto& done = std::get<Done>(**event);
        EXPECT_NE(done.call, *slow);
        EXPECT_EQ(summary(done.result), "timed_out waiting") << done.result.json;
    }
    client.cancel(*slow);
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_EQ(summary(std::get<Done>(**event).result), "cancelled running");
}

TEST_F(Deadlines, AFullQueueRefusesByTheNameOfItsBound) {
    const Gate gate;
    Program first{service_.command({"call", "ledger.gate", gate.path()})};
    service_.await_running("ledger", 1);
    auto client = service_.client();
    for (int i = 0; i < 2; ++i) ASSERT_TRUE(client.submit({.target = "ledger.gate", .timeout = 0ms}));
    ASSERT_TRUE(client.flush());
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 2; }));

    const auto refused = service_.run({"call", "ledger.note", "x"});
    EXPECT_EQ(refused.code, 6);
    EXPECT_THAT(refused.err, HasSubstr("the queue of pool ledger is full (2 calls)"));
    EXPECT_THAT(refused.err, HasSubstr("queue.calls"));
    EXPECT_EQ(Json::parse(service_.run({"call", "ledger.note", "x", "--json"}).out).at("bound"), "queue.calls");
    gate.open("");
    EXPECT_EQ(first.wait().code, 0);
}

TEST_F(Deadlines, CtrlCCancelsARunningCall) {
    const auto before = service_.workers("chaos");
    Program running{service_.command({"call", "chaos.sleep", "600000"})};
    service_.await_running("chaos", 1);
    running.signal(SIGINT);
    const auto result = running.wait();
    EXPECT_EQ(result.code, 8);
    EXPECT_THAT(result.err, HasSubstr("cancelled"));
    service_.await_running("chaos", 0);
    EXPECT_EQ(ended("chaos", "cancelled"), 1);
    EXPECT_EQ(service_.workers("chaos"), before);
}

TEST_F(Deadlines, CtrlCCancelsAMap) {
    Program running{service_.command({"map", "chaos.sleep"}), {.input = "600000\n600000\n600000\n"}};
    service_.await_running("chaos", 1);
    running.signal(SIGINT);
    EXPECT_EQ(running.wait().code, 8);
    service_.await_running("chaos", 0);
    EXPECT_EQ(service_.pool("chaos").at("queued"), 0);
}

TEST_F(Deadlines, AClientThatHasGoneLeavesNoCallBehind) {
    Program running{service_.command({"map", "chaos.sleep"}), {.input = "600000\n600000\n600000\n"}};
    service_.await_running("chaos", 1);
    running.signal(SIGKILL);
    EXPECT_EQ(running.wait().code, 128 + SIGKILL);
    service_.await_running("chaos", 0);
    EXPECT_EQ(service_.pool("chaos").at("queued"), 0);
    EXPECT_EQ(ended("chaos", "cancelled"), 3);
    EXPECT_EQ(service_.run({"call", "chaos.ok", "1"}).out, "1");
}

TEST_F(Deadlines, NoCallWaitsBehindASlowOneWhileAnotherWorkerIsIdle) {
    EXPECT_EQ(service_.run({"resize", "chaos", "2"}).code, 0);
    ASSERT_TRUE(eventually([&] { return service_.workers("chaos").size() == 2; }));
    auto client = service_.client();
    for (int round = 0; round < 5; ++round) {
        // Quick ones, so that workers are given several at a time; then a slow one among them.
        for (int i = 0; i < 100; ++i) ASSERT_EQ(call(client, "chaos.ok", "1").output, "1");
        std::uint64_t slow = 0;
        for (int i = 0; i < 60; ++i) {
            const auto id = client.submit(
                {.target = i == 20 ? "chaos.sleep" : "chaos.ok", .body = wire::bytes_of(i == 20 ? "600000" : "1")});
            ASSERT_TRUE(id);
            if (i == 20) slow = *id;
        }
        for (int i = 0; i < 59; ++i) {
            const auto event = client.next(patience);
            ASSERT_TRUE(event && *event) << "calls wait behind the slow one";
            EXPECT_NE(std::get<Done>(**event).call, slow);
        }
        client.cancel(slow);
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        EXPECT_EQ(summary(std::get<Done>(**event).result), "cancelled running");
    }
}

}  // namespace
}  // namespace caisson::test
