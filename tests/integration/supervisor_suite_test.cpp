// SPDX-License-Identifier: Apache-2.0
/// The scenarios of Erlang/OTP's supervisor_SUITE that have a meaning here, each told anew for workers that are
/// processes; the comment above a test names its counterpart.
///
/// A pool is a supervisor of the strategy one_for_one whose children are permanent: each worker that ends is replaced,
/// by itself, whatever its reason. What has no counterpart: one_for_all and rest_for_one (workers do not depend on each
/// other), transient and temporary children, and names of children that are added one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string chaos_with(int workers, int intensity, const std::string& more = {}) {
    return "[pool.chaos]\nworkers = " + std::to_string(workers) + "\nplugin = \"" + chaos_library() +
           "\"\npoison.crashes = 0\nstop.grace = \"100ms\"\n" + more +
           "[pool.chaos.restart]\nintensity = " + std::to_string(intensity) +
           "\nperiod = \"1h\"\ncooldown = \"1h\"\nbackoff = { min = \"1ms\", max = \"1ms\" }\n";
}

/// Ends the worker of a slot and waits for another in its place.
void end_and_await_another(const Service& service, std::size_t place, int signal) {
    const auto before = service.workers("chaos");
    ASSERT_EQ(::kill(before.at(place), signal), 0);
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers("chaos");
        return now.size() == before.size() && std::ranges::count(now, before[place]) == 0;
    })) << service.pool("chaos");
    // one_for_one, temporary_bystander: the others are the same.
    const auto now = service.workers("chaos");
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(std::ranges::count(now, before[i]), i == place ? 0 : 1);
}

std::size_t times(const std::string& text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
    return count;
}

// ---- starting -------------------------------------------------------------------------------------------------------

// Counterpart: sup_start_normal, count_children.
TEST(SupervisorSuite, StartsAsManyAsWasSaid) {
    const Service service{{.pools = chaos_with(3, 5)}};
    EXPECT_THAT(service.workers("chaos"), SizeIs(3));
    EXPECT_EQ(service.pool("chaos").at("restarts"), 0);
}

// Counterpart: sup_start_error_return, sup_start_fail. A pool whose workers cannot start harms no other, and is given
// up after exactly one start more than the intensity.
TEST(SupervisorSuite, GivesUpAPoolThatCannotStart) {
    const Service service{
        {.pools = chaos_with(1, 3, "settings = { crash = \"create_fails\" }\n") + "[pool.math]\nworkers = 1\n"}};
    service.await_pool("chaos", "quarantined");
    EXPECT_EQ(times(service.log(), "worker ended"), 4U);
    EXPECT_THAT(service.pool("chaos").at("reason"), HasSubstr("did not start (create)"));
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
}

// ---- how they end ---------------------------------------------------------------------------------------------------

// Counterpart: permanent_normal.
TEST(SupervisorSuite, OneThatExitsWithZeroIsReplaced) {
    const Service service{{.pools = chaos_with(1, 0)}};
    const auto before = service.workers("chaos");
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.quick_exit0")), "crashed exited 0");
    service.await_pool("chaos");
    EXPECT_NE(service.workers("chaos"), before);
}

// Counterpart: permanent_shutdown.
TEST(SupervisorSuite, OneThatSomebodyElseTellsToEndIsReplaced) {
    const Service service{{.pools = chaos_with(2, 5)}};
    end_and_await_another(service, 0, SIGTERM);
}

// Counterpart: permanent_abnormal, one_for_one, temporary_bystander.
TEST(SupervisorSuite, OneThatIsKilledIsReplacedAndTheOthersStay) {
    const Service service{{.pools = chaos_with(3, 5)}};
    for (std::size_t place = 0; place < 3; ++place) end_and_await_another(service, place, SIGKILL);
    EXPECT_EQ(service.pool("chaos").at("restarts"), 3);
}

// Counterpart: child_unlink. It goes without a word (here: closes its socket) and is not waited for.
TEST(SupervisorSuite, OneThatTurnsAwayIsReplaced) {
    const Service service{{.pools = chaos_with(1, 5)}};
    const auto before = service.workers("chaos");
    auto client = service.client();
    EXPECT_NE(summary(call(client, "chaos.close_socket", {}, {}, 20'000ms)), "ok");
    EXPECT_TRUE(eventually([&] { return service.workers("chaos").size() == 1 && service.workers("chaos") != before; }));
}

// ---- intensity ------------------------------------------------------------------------------------------------------

// Counterpart: multiple_restarts, one_for_one_escalation: at the intensity the pool goes on, at one more it is given
// up.
TEST(SupervisorSuite, HoldsAtTheIntensityAndGivesUpAtOneMore) {
    constexpr int intensity = 3;
    const Service service{{.pools = chaos_with(1, intensity) + "[pool.math]\nworkers = 1\n"}};
    const auto bystander = service.workers("math");
    for (int restart = 0; restart < intensity; ++restart) end_and_await_another(service, 0, SIGKILL);
    EXPECT_EQ(service.pool("chaos").at("state"), "ready");
    EXPECT_EQ(service.pool("chaos").at("breaker").at("state"), "closed");
    ASSERT_EQ(::kill(service.workers("chaos").at(0), SIGKILL), 0);
    service.await_pool("chaos", "quarantined");
    EXPECT_EQ(service.pool("chaos").at("breaker").at("state"), "open");
    EXPECT_THAT(service.run({"call", "chaos.ok", "1"}).err, HasSubstr("quarantined"));
    EXPECT_EQ(service.workers("math"), bystander);
}

// Counterpart: simple_one_for_one_escalation: it is counted over all workers of the pool, not for each.
TEST(SupervisorSuite, CountsTheEndsOfAllWorkersTogether) {
    const Service service{{.pools = chaos_with(3, 2)}};
    end_and_await_another(service, 0, SIGKILL);
    end_and_await_another(service, 1, SIGKILL);
    ASSERT_EQ(::kill(service.workers("chaos").at(2), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("breaker").at("state") == "open"; }));
    // Those that live go on serving: a breaker keeps from starting, not from working.
    EXPECT_EQ(service.run({"call", "chaos.ok", "1"}).out, "1");
}

// Counterpart: sup_flags, code_change: other limits by a reload, and what was counted before counts on.
TEST(SupervisorSuite, TakesAnotherIntensityWhileItRuns) {
    const Service service{{.pools = chaos_with(1, 1)}};
    end_and_await_another(service, 0, SIGKILL);
    service.configure({.pools = chaos_with(1, 3)});
    EXPECT_EQ(service.run({"reload"}).out, "pool chaos: restart.intensity 1 -> 3\n");
    end_and_await_another(service, 0, SIGKILL);
    end_and_await_another(service, 0, SIGKILL);
}

// ---- hanging --------------------------------------------------------------------------------------------------------

// Counterpart: hanging_restart_loop. While a start hangs, again and again, everything else is answered, and the pool
// can be ended.
TEST(SupervisorSuite, AnswersWhileAStartHangsAndCanEndIt) {
    const Service service{{.pools = chaos_with(2, 1000) + "[pool.math]\nworkers = 1\n"}};
    service.configure(
        {.pools = chaos_with(2, 1000, "settings = { crash = \"create_hangs\" }\nlimits.start_timeout = \"100ms\"\n") +
                  "[pool.math]\nworkers = 1\n"});
    const auto old = service.workers("chaos");
    EXPECT_EQ(service.run({"reload"}).code, 0);
    for (const auto pid : old) ASSERT_EQ(::kill(pid, SIGKILL), 0);
    service.await_log("not ready after 100 ms");
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    EXPECT_EQ(service.pool("chaos").at("state"), "degraded");
    service.configure({.pools = "[pool.math]\nworkers = 1\n"});
    EXPECT_EQ(service.run({"reload"}).out, "pool chaos: removed\n");
    EXPECT_TRUE(eventually([&] { return service.status().at("pools").size() == 1; }));
}

// Counterpart: hanging_restart_loop_simple, and a stop in the middle of a restart.
TEST(SupervisorSuite, StopsInTheMiddleOfARestartThatHangs) {
    Service service{{.pools = chaos_with(1, 1000)}};
    service.configure(
        {.pools = chaos_with(1, 1000, "settings = { crash = \"create_hangs\" }\nlimits.start_timeout = \"1h\"\n")});
    const auto old = service.workers("chaos");
    EXPECT_EQ(service.run({"reload"}).code, 0);
    ASSERT_EQ(::kill(old.at(0), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] {
        const auto workers = service.pool("chaos").at("workers");
        return workers.size() == 1 && workers.at(0).at("state") == "starting" && workers.at(0).at("pid") != 0;
    }));
    const auto watched = watch_all(descendant_pids(service.pid()));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(left_after(watched, 0ms), IsEmpty());
    service.configure({.pools = chaos_with(1, 1000)});
    service.start();
}

// ---- stopping -------------------------------------------------------------------------------------------------------

// Counterpart: sup_stop_infinity: what runs may end, however long it takes.
TEST(SupervisorSuite, WaitsForACallWithoutEndWhenItIsToldToDrain) {
    const Gate gate;
    Service service{{.pools = "[pool.ledger]\nworkers = 1\nplugin = \"" + fixture_library("ledger") + "\"\n",
                     .service = "drain = \"1h\"\n"}};
    Program running{service.command({"call", "ledger.gate", gate.path(), "--timeout", "0"})};
    service.await_running("ledger", 1);
    service.signal(SIGTERM);
    service.await_state("stopping");
    EXPECT_TRUE(service.running());
    gate.open("through");
    EXPECT_EQ(running.wait().out, "through");
    EXPECT_EQ(service.wait().code, 0);
    service.start();
}

// Counterpart: sup_stop_timeout: who does not end in time is killed, and the others end well.
TEST(SupervisorSuite, KillsWhoDoesNotEndInTime) {
    Service service{{.pools = chaos_with(2, 5), .service = "drain = \"0\"\n"}};
    auto client = service.client();
    ASSERT_TRUE(client.submit({.target = "chaos.ignore_term", .timeout = 0ms}));
    ASSERT_TRUE(client.flush());
    service.await_running("chaos", 1);
    EXPECT_EQ(service.stop().code, 0);
    const auto log = service.log();
    EXPECT_EQ(times(log, "worker stopped"), 1U) << "the idle one was asked, and went";
    EXPECT_THAT(log, HasSubstr("did not give up its call within stop.grace"));
    service.start();
}

// Counterpart: sup_stop_brutal_kill.
TEST(SupervisorSuite, KillsAtOnceIfItIsToldTo) {
    const Service service{{.pools = chaos_with(1, 0)}};
    const Watched worker{service.workers("chaos").at(0)};
    EXPECT_EQ(service.run({"restart", "chaos/1", "--now"}).code, 0);
    EXPECT_TRUE(worker.gone_within());
    service.await_pool("chaos");
}

// Counterpart: tree, the order of stop: nobody is left when the supervisor goes, grandchildren that have left their
// session included.
TEST(SupervisorSuite, GoesLast) {
    Service service{{.pools = chaos_with(3, 5)}};
    auto client = service.client();
    EXPECT_NE(std::stoi(call(client, "chaos.daemonize").output), 0);
    const auto watched = watch_all(descendant_pids(service.pid()));
    EXPECT_GE(watched.size(), 1U + 3U + 1U);
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(left_after(watched, 0ms), IsEmpty());
    const auto log = service.log();
    EXPECT_LT(log.rfind("worker stopped"), log.rfind("caisson ended"));
    service.start();
}

// The whole tree of one worker goes with it, while the service goes on.
TEST(SupervisorSuite, AWorkerTakesItsDescendantsWithIt) {
    const Service service{{.pools = chaos_with(1, 0)}};
    auto client = service.client();
    const Watched daemon{std::stoi(call(client, "chaos.daemonize").output)};
    EXPECT_EQ(service.run({"restart", "chaos", "--now"}).code, 0);
    EXPECT_TRUE(daemon.gone_within());
    service.await_pool("chaos");
}

// ---- many -----------------------------------------------------------------------------------------------------------

// Counterpart: child_adm: what runs cannot be started again, what is stopped can, what is unknown is said to be.
TEST(SupervisorSuite, RefusesOrdersThatMakeNoSense) {
    const Service service{{.pools = chaos_with(1, 5)}};
    EXPECT_EQ(service.run({"resume", "chaos"}).code, 6);
    EXPECT_EQ(service.run({"restart", "chaos/2"}).code, 6);
    EXPECT_EQ(service.run({"drain", "chaos"}).code, 0);
    service.await_pool("chaos", "drained");
    EXPECT_EQ(service.run({"resume", "chaos"}).code, 0);
    service.await_pool("chaos");
}

// Counterpart: simple_one_for_one_scale_many_temporary_children.
TEST(SupervisorSuite, StartsAndEndsMany) {
    const Service service{{.pools = chaos_with(1, 5)}};
    EXPECT_EQ(service.run({"resize", "chaos", "32"}).code, 0);
    EXPECT_TRUE(eventually([&] { return service.workers("chaos").size() == 32; }));
    EXPECT_EQ(service.run({"resize", "chaos", "1"}).code, 0);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").size() == 1; }));
    EXPECT_EQ(service.pool("chaos").at("restarts"), 0);
}

}  // namespace
}  // namespace caisson::test
