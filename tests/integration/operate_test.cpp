// SPDX-License-Identifier: Apache-2.0
/// What an operator orders of a running pool: restart, drain, resume; also when it comes at the wrong moment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string ledger_with(int workers, const std::string& more = {}) {
    return "[pool.ledger]\nworkers = " + std::to_string(workers) + "\nplugin = \"" + fixture_library("ledger") +
           "\"\n" + more;
}

/// Restarts take an hour.
std::string chaos_that_waits(const std::string& more = {}) {
    return "[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() +
           "\"\n[pool.chaos.restart]\ncall_crashes = 1\nbackoff = { min = \"1h\", max = \"1h\" }\n" + more;
}

bool share_none(const std::vector<pid_t>& a, const std::vector<pid_t>& b) {
    return std::ranges::none_of(a, [&](pid_t pid) { return std::ranges::count(b, pid) > 0; });
}

// ---- restart --------------------------------------------------------------------------------------------------------

TEST(Restart, ReplacesEveryWorkerAndLosesNoCall) {
    const Service service{{.pools = "[pool.math]\nworkers = 3\n[pool.text]\nworkers = 1\n"}};
    const auto before = service.workers("math");
    const auto bystander = service.workers("text");
    Load load{service.socket()};
    const auto restart = service.run({"restart", "math"});
    EXPECT_EQ(restart.code, 0) << restart.err;
    EXPECT_EQ(restart.out, "pool math: replacing 1, 2, 3\n");
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers("math");
        EXPECT_GE(now.size(), 3U);
        return now.size() == 3 && share_none(now, before);
    }));
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.pool("math").at("calls").at("crashed"), 0);
    EXPECT_EQ(service.workers("text"), bystander);
}

TEST(Restart, OfOneWorkerLeavesTheOthers) {
    const Service service{{.pools = "[pool.math]\nworkers = 3\n"}};
    const auto before = service.workers("math");
    EXPECT_EQ(service.run({"restart", "math/2"}).out, "pool math: replacing 2\n");
    std::vector<pid_t> now;
    EXPECT_TRUE(eventually([&] {
        now = service.workers("math");
        return now.size() == 3 && std::ranges::count(now, before[1]) == 0;
    }));
    for (const auto kept : {before[0], before[2]}) EXPECT_EQ(std::ranges::count(now, kept), 1);
}

TEST(Restart, NowKillsWhatRunsAndBlamesNobody) {
    const Gate gate;
    const Service service{{.pools = ledger_with(1, "poison.crashes = 1\n[pool.ledger.restart]\nintensity = 0\n")}};
    for (int round = 0; round < 3; ++round) {
        auto client = service.client();
        const auto id = client.submit({.target = "ledger.gate", .body = wire::bytes_of(gate.path())});
        ASSERT_TRUE(id);
        ASSERT_TRUE(client.flush());
        service.await_running("ledger", 1);
        EXPECT_EQ(service.run({"restart", "ledger/1", "--now"}).out, "pool ledger: killed 1\n");
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto& result = std::get<Done>(**event).result;
        EXPECT_EQ(summary(result), "crashed killed") << "the same input again and again is no poison";
        EXPECT_THAT(document(result).dump(), HasSubstr("restarted by an operator"));
        service.await_pool("ledger");
    }
    EXPECT_EQ(service.pool("ledger").at("breaker").at("state"), "closed");
}

TEST(Restart, EndsABackOffAndClosesTheBreaker) {
    const Service service{{.pools = chaos_that_waits()}};
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
    EXPECT_EQ(summary(call(client, "chaos.abort")), "crashed signaled SIGABRT");
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).at("state") == "waiting"; }));
    EXPECT_EQ(service.run({"restart", "chaos"}).code, 0);
    service.await_pool("chaos");
    EXPECT_EQ(call(client, "chaos.ok", "7").output, "7");
}

TEST(Restart, OfAQuarantinedPoolTriesAgain) {
    const Service service{{.pools = "[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() +
                                    "\"\nsettings = { crash = \"create\" }\n[pool.chaos.restart]\nintensity = 1\n"
                                    "cooldown = \"1h\"\nbackoff = { min = \"1ms\", max = \"1ms\" }\n"}};
    service.await_pool("chaos", "quarantined");
    const auto restarts = service.pool("chaos").at("restarts").get<int>();
    EXPECT_EQ(service.run({"restart", "chaos"}).out, "pool chaos: starts again\n");
    EXPECT_TRUE(eventually([&] {
        const auto pool = service.pool("chaos");
        return pool.at("restarts") > restarts && pool.at("state") == "quarantined";
    })) << service.pool("chaos");
}

TEST(Restart, OfNobodyIsRefusedAndSaysWhoThereIs) {
    const Service service{{.pools = "[pool.math]\nworkers = 2\n"}};
    const auto before = service.workers("math");
    const auto unknown = service.run({"restart", "math/9"});
    EXPECT_EQ(unknown.code, 6);
    EXPECT_THAT(unknown.err, AllOf(HasSubstr("pool math has no worker 9"), HasSubstr("1, 2")));
    EXPECT_EQ(service.run({"restart", "mth"}).code, 6);
    for (const auto* const nonsense : {"math/x", "math/", "math/-1", "math/1x", "math/99999999999"})
        EXPECT_EQ(service.run({"restart", nonsense}).code, 2) << nonsense;
    EXPECT_THROW((void)service.request({{"verb", "restart"}, {"pool", "math"}, {"worker", "1"}}), std::exception);
    EXPECT_EQ(service.workers("math"), before);
}

// ---- drain ----------------------------------------------------------------------------------------------------------

class Drain : public testing::Test {
   protected:
    Folder folder_;
    std::string env_ = "[pool.ledger.env]\nCAISSON_LEDGER = \"" + (folder_ / "ledger").string() + "\"\n";
    Gate gate_;
    Service service_{{.pools = ledger_with(1, env_)}};

    /// One call runs, another waits behind it, and the pool drains.
    void begin() {
        running_ = std::make_unique<Program>(service_.command({"call", "ledger.gate", gate_.path()}));
        service_.await_running("ledger", 1);
        waiting_ = std::make_unique<Program>(service_.command({"call", "ledger.note", "second"}));
        EXPECT_TRUE(eventually([&] {
            const auto pool = service_.pool("ledger");
            return pool.at("queued").get<int>() + pool.at("running").get<int>() == 2;
        }));
        const auto drain = service_.run({"drain", "ledger"});
        EXPECT_EQ(drain.code, 0) << drain.err;
        EXPECT_EQ(drain.out, "pool ledger: drains, 2 calls to finish\n");
        EXPECT_EQ(service_.pool("ledger").at("state"), "draining");
    }
    void finish() {
        gate_.open("through");
        EXPECT_EQ(running_->wait().out, "through");
        EXPECT_EQ(waiting_->wait().code, 0);
    }

    std::unique_ptr<Program> running_;
    std::unique_ptr<Program> waiting_;
};

TEST_F(Drain, RefusesWhatIsNewFinishesWhatItHasAndRests) {
    begin();
    const auto refused = service_.run({"call", "ledger.note", "late"});
    EXPECT_EQ(refused.code, 6);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("pool ledger is draining"), HasSubstr("caisson resume ledger")));
    finish();
    service_.await_pool("ledger", "drained");
    EXPECT_THAT(service_.pool("ledger").at("workers"), IsEmpty());
    EXPECT_THAT(service_.run({"call", "ledger.note", "later"}).err, HasSubstr("pool ledger is drained"));
    EXPECT_EQ(service_.pool("ledger").at("calls").at("ok"), 2);

    EXPECT_EQ(service_.run({"resume", "ledger"}).code, 0);
    service_.await_pool("ledger");
    EXPECT_EQ(service_.run({"call", "ledger.note", "again"}).code, 0);
    EXPECT_THAT(service_.crashes(), IsEmpty());
}

TEST_F(Drain, IsEndedByResumeAtAnyMoment) {
    begin();
    const auto worker = service_.workers("ledger");
    EXPECT_EQ(service_.run({"resume", "ledger"}).code, 0);
    service_.await_pool("ledger");
    EXPECT_EQ(service_.workers("ledger"), worker);
    finish();
    EXPECT_EQ(service_.run({"call", "ledger.note", "again"}).code, 0);
}

TEST_F(Drain, IsNotDisturbedByResizeReloadAndRestart) {
    begin();
    EXPECT_EQ(service_.run({"resize", "ledger", "3"}).code, 0);
    EXPECT_EQ(service_.pool("ledger").at("state"), "draining");
    finish();
    service_.await_pool("ledger", "drained");
    EXPECT_EQ(service_.run({"resize", "ledger", "2"}).code, 0);
    service_.configure({.pools = ledger_with(4, "timeout = \"5s\"\n" + env_)});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    const auto restart = service_.run({"restart", "ledger"});
    EXPECT_EQ(restart.code, 6);
    EXPECT_THAT(restart.err, HasSubstr("caisson resume ledger"));
    EXPECT_EQ(service_.pool("ledger").at("state"), "drained");
    EXPECT_THAT(service_.pool("ledger").at("workers"), IsEmpty());
    EXPECT_EQ(service_.run({"resume", "ledger"}).out, "pool ledger: takes calls, workers 4\n");
    service_.await_pool("ledger");
    EXPECT_THAT(service_.workers("ledger"), SizeIs(4));
}

TEST_F(Drain, TwiceOrResumeOfWhatRunsIsRefused) {
    EXPECT_EQ(service_.run({"resume", "ledger"}).code, 6);
    EXPECT_EQ(service_.run({"drain", "ledger"}).code, 0);
    service_.await_pool("ledger", "drained");
    EXPECT_EQ(service_.run({"drain", "ledger"}).code, 6);
    EXPECT_EQ(service_.run({"drain", "lodger"}).code, 6);
}

TEST_F(Drain, APoolThatRestsCanBeRemovedAndTheServiceStopped) {
    EXPECT_EQ(service_.run({"drain", "ledger"}).code, 0);
    service_.await_pool("ledger", "drained");
    service_.configure({.pools = "[pool.math]\nworkers = 1\n"});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    EXPECT_TRUE(eventually([&] { return service_.status().at("pools").size() == 1; }));
    EXPECT_EQ(service_.run({"drain", "math"}).code, 0);
    EXPECT_EQ(service_.stop().code, 0);
    service_.start();
}

TEST(DrainOfALoad, LosesNoAcceptedCall) {
    const Service service{{.pools = "[pool.math]\nworkers = 2\n"}};
    auto client = service.client();
    for (int i = 0; i < 2000; ++i) {
        const auto text = std::to_string(i);
        ASSERT_TRUE(client.submit({.target = "math.square", .body = wire::bytes_of(text)}));
    }
    ASSERT_TRUE(client.flush());
    EXPECT_EQ(service.run({"drain", "math"}).code, 0);
    int ok = 0;
    int refused = 0;
    while (client.outstanding() > 0) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto how = summary(std::get<Done>(**event).result);
        ok += how == "ok" ? 1 : 0;
        refused += how == "refused" ? 1 : 0;
    }
    EXPECT_EQ(ok + refused, 2000);
    service.await_pool("math", "drained");
    EXPECT_EQ(service.pool("math").at("calls").at("ok"), ok);
}

TEST(DrainOfATroubledPool, EndsWhatNobodyCanServe) {
    const Service service{{.pools = chaos_that_waits("intensity = 0\n")}};
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
    EXPECT_EQ(summary(call(client, "chaos.abort")), "crashed signaled SIGABRT");
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).at("state") == "waiting"; }));
    EXPECT_EQ(service.run({"drain", "chaos"}).code, 0);
    service.await_pool("chaos", "drained");
    EXPECT_EQ(service.run({"resume", "chaos"}).code, 0);
    service.await_pool("chaos");
}

TEST(StopDuringBackOff, DoesNotWaitForIt) {
    Service service{{.pools = chaos_that_waits()}};
    auto client = service.client();
    (void)call(client, "chaos.segv");
    (void)call(client, "chaos.abort");
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).at("state") == "waiting"; }));
    EXPECT_EQ(service.stop().code, 0);
    service.start();
}

// Nobody hears it any more, and it runs on: that it is also told to go must not give it more time.
TEST(Restart, OfAWorkerThatClosedItsSocketEndsItsCall) {
    const Service service{{.pools = "[pool.chaos]\nworkers = 1\ntimeout = \"0\"\nplugin = \"" + chaos_library() +
                                    "\"\n[pool.math]\nworkers = 1\n"}};
    const auto before = service.workers("chaos");
    Program running{service.command({"call", "chaos.close_socket"})};
    EXPECT_TRUE(eventually([&] { return service.workers("chaos") != before; }));
    EXPECT_EQ(service.run({"restart", "chaos"}).code, 0);
    EXPECT_EQ(running.wait().code, 4);
    EXPECT_TRUE(eventually([&] {
        return service.pool("chaos").at("workers").size() == 1 && service.workers("chaos").size() == 1;
    })) << service.pool("chaos");
}

}  // namespace
}  // namespace caisson::test
