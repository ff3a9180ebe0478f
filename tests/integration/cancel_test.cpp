// SPDX-License-Identifier: Apache-2.0
/// Calls that nobody wants any more: the outcome says whether it waited or ran, and whether it gave up by itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class Cancel : public testing::Test {
   protected:
    /// Submits one that runs until it is told otherwise.
    std::uint64_t run(Ends& ends, Client& client, const char* how, bool keep = false) {
        const auto id = ends.submit({.target = "ledger.try",
                                     .body = wire::bytes_of(std::string{"a 255 "} + how),
                                     .timeout = 0ms,
                                     .keep = keep});
        EXPECT_TRUE(client.flush());
        EXPECT_TRUE(eventually([&] { return ledger_.counts()["a 1"] == 1; }));
        return id;
    }

    Ledger ledger_;
    Service service_{{.pools = ledger_.pool("ledger", "workers = 1\nstop.grace = \"100ms\"\n")}};
    Client client_ = service_.client();
    Ends ends_{client_};
};

TEST_F(Cancel, OfARunningCallThatGivesUpSparesItsWorker) {
    const auto before = service_.workers("ledger");
    const auto running = run(ends_, client_, "wait");
    client_.cancel(running);
    EXPECT_EQ(ends_.await(running), "cancelled running");
    EXPECT_EQ(ends_.result(running).message, "cancelled by its caller while it ran");
    EXPECT_EQ(service_.workers("ledger"), before);
}

TEST_F(Cancel, OfARunningCallThatDoesNotGiveUpCostsItsWorker) {
    const auto before = service_.workers("ledger");
    const auto running = run(ends_, client_, "hang");
    client_.cancel(running);
    EXPECT_EQ(ends_.await(running), "cancelled running killed");
    EXPECT_THAT(ends_.result(running).message,
                HasSubstr("while it ran; it did not give up within stop.grace, so its worker was killed"));
    EXPECT_EQ(call(client_, "ledger.note", "next").output, "next");
    EXPECT_NE(service_.workers("ledger"), before);
}

TEST_F(Cancel, OfAWaitingCallSaysThatItWaitedAndItNeverRuns) {
    const auto running = run(ends_, client_, "wait");
    const auto waiting = ends_.submit({.target = "ledger.note", .body = wire::bytes_of("never")});
    client_.cancel(waiting);
    EXPECT_EQ(ends_.await(waiting), "cancelled waiting");
    EXPECT_EQ(ends_.result(waiting).message, "cancelled by its caller while it waited for a worker");
    EXPECT_EQ(ends_.result(waiting).attempts, 0U);
    client_.cancel(running);
    EXPECT_EQ(ends_.await(running), "cancelled running");
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1"));
}

TEST_F(Cancel, OfWhatHasEndedOrNeverWasChangesNothing) {
    const auto quick = ends_.submit({.target = "ledger.note", .body = wire::bytes_of("x")});
    EXPECT_EQ(ends_.await(quick), "ok x");
    client_.cancel(quick);
    client_.cancel(4711);
    EXPECT_EQ(call(client_, "ledger.note", "y").output, "y");
}

TEST_F(Cancel, TwiceIsOnce) {
    const auto running = run(ends_, client_, "wait");
    client_.cancel(running);
    client_.cancel(running);
    EXPECT_EQ(ends_.await(running), "cancelled running");
    EXPECT_EQ(call(client_, "ledger.note", "y").output, "y");
}

// Whoever comes first: there is one outcome, and what it says is what happened.
TEST_F(Cancel, InARaceWithTheEndOfItsCall) {
    for (int i = 0; i < 500; ++i) {
        const auto name = "race-" + std::to_string(i);
        const auto id = ends_.submit({.target = "ledger.note", .body = wire::bytes_of(name)});
        if (i % 3 != 0) {
            ASSERT_TRUE(client_.flush());
        }
        if (i % 3 == 2) (void)service_.pool("ledger");
        client_.cancel(id);
        const auto how = ends_.await(id);
        if (how == "cancelled waiting") {
            EXPECT_EQ(ledger_.counts()[name], 0);
        } else {
            EXPECT_THAT(how, testing::AnyOf("ok " + name, "cancelled running"));
            EXPECT_EQ(ledger_.counts()[name], 1);
        }
    }
}

TEST_F(Cancel, AClientThatGoesCancelsItsCalls) {
    {
        auto client = service_.client();
        Ends ends{client};
        run(ends, client, "wait");
        ends.submit({.target = "ledger.note", .body = wire::bytes_of("never")});
        ASSERT_TRUE(client.flush());
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 1; }));
    }
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("calls").at("cancelled") == 2; }));
    EXPECT_EQ(call(client_, "ledger.note", "next").output, "next");
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "next"));
}

TEST_F(Cancel, AClientThatGoesLeavesWhatItAskedToKeep) {
    const Gate gate;
    {
        auto client = service_.client();
        Ends ends{client};
        ends.submit({.target = "ledger.gate", .body = wire::bytes_of(gate.path()), .keep = true});
        ends.submit({.target = "ledger.note", .body = wire::bytes_of("kept"), .keep = true});
        ends.submit({.target = "ledger.note", .body = wire::bytes_of("not kept")});
        ASSERT_TRUE(client.flush());
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 2; }));
    }
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 1; }));
    EXPECT_EQ(service_.pool("ledger").at("running"), 1);
    gate.open("");
    ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("calls").at("ok") == 2; }));
    EXPECT_THAT(ledger_.lines(), ElementsAre("kept"));
}

TEST_F(Cancel, ADeadlineSaysWhetherItRan) {
    const auto waits = ends_.submit({.target = "ledger.try", .body = wire::bytes_of("a 255 wait"), .timeout = 300ms});
    const auto behind = ends_.submit({.target = "ledger.note", .body = wire::bytes_of("never"), .timeout = 100ms});
    EXPECT_EQ(ends_.await(behind), "timed_out waiting");
    EXPECT_EQ(ends_.await(waits), "timed_out running");
    const auto hangs = ends_.submit({.target = "ledger.try", .body = wire::bytes_of("b 255 hang"), .timeout = 300ms});
    EXPECT_EQ(ends_.await(hangs), "timed_out running killed");
    EXPECT_THAT(ends_.result(hangs).message, HasSubstr("did not give up within stop.grace"));
    EXPECT_THAT(ends_.result(waits).message, Not(HasSubstr("did not give up")));
}

}  // namespace
}  // namespace caisson::test
