// SPDX-License-Identifier: Apache-2.0
/// Spares: workers that are ready and wait, until one takes the place of a worker that is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string math_with(int workers, int spares, const std::string& more = {}) {
    return "[pool.math]\nworkers = " + std::to_string(workers) + "\nspares = " + std::to_string(spares) + "\n" + more;
}

/// A pool of chaos whose restarts take an hour: who serves after a crash was a spare.
std::string chaos_with(int workers, int spares, bool restarts) {
    std::string text = "[pool.chaos]\nworkers = " + std::to_string(workers) + "\nspares = " + std::to_string(spares) +
                       "\npoison.crashes = 0\nplugin = \"" + chaos_library() + "\"\n";
    if (!restarts) text += "[pool.chaos.restart]\ncall_crashes = 1\nbackoff = { min = \"1h\", max = \"1h\" }\n";
    return text;
}

/// Pids of the workers of one state.
std::vector<pid_t> pids_of(const Service& service, std::string_view pool, std::string_view state) {
    std::vector<pid_t> pids;
    const auto workers = service.pool(pool).at("workers");
    for (const auto& worker : workers)
        if (worker.at("state") == state) pids.push_back(worker.at("pid"));
    return pids;
}

/// Waits until a pool has just so many ready workers and spares.
void await_size(const Service& service, std::string_view pool, std::size_t workers, std::size_t spares) {
    EXPECT_TRUE(eventually([&] {
        return service.pool(pool).at("workers").size() == workers + spares && service.workers(pool).size() == workers &&
               pids_of(service, pool, "spare").size() == spares;
    })) << service.pool(pool);
}

TEST(Spares, AreShownAndGetNoCalls) {
    const Service service{{.pools = math_with(2, 2)}};
    await_size(service, "math", 2, 2);
    Load load{service.socket()};
    load.await();
    EXPECT_EQ(load.stop(), "");
    const auto pool = service.pool("math");
    EXPECT_EQ(pool.at("target"), 2);
    EXPECT_EQ(pool.at("spares"), 2);
    for (const auto& worker : pool.at("workers"))
        EXPECT_TRUE(worker.at("state") != "spare" || worker.at("calls") == 0) << worker;
    EXPECT_THAT(service.run({"workers", "math"}).out, HasSubstr("spare"));
    EXPECT_THAT(service.run({"status", "math"}).out, HasSubstr("2/2"));
}

TEST(Spares, OneTakesThePlaceOfAWorkerThatCrashes) {
    const Service service{{.pools = chaos_with(1, 1, false)}};
    await_size(service, "chaos", 1, 1);
    const auto spare = pids_of(service, "chaos", "spare");
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
    // Nothing else can answer: a new worker would have come in an hour.
    const auto second = call(client, "chaos.segv");
    EXPECT_EQ(summary(second), "crashed signaled SIGSEGV");
    EXPECT_EQ(document(second).at("worker").at("pid"), spare.at(0));
    EXPECT_THAT(service.crashes(), SizeIs(2));
}

TEST(Spares, AWorkerThatIsKilledIsReplacedByOne) {
    const Service service{{.pools = math_with(2, 1)}};
    await_size(service, "math", 2, 1);
    Load load{service.socket()};
    for (int round = 0; round < 3; ++round) {
        const auto spare = pids_of(service, "math", "spare");
        const auto victim = service.workers("math").at(0);
        ASSERT_EQ(::kill(victim, SIGKILL), 0);
        EXPECT_TRUE(eventually([&] { return std::ranges::count(service.workers("math"), spare.at(0)) == 1; }));
        await_size(service, "math", 2, 1);
    }
    // A call that ran when its worker was killed is lost, and none else.
    load.await();
    (void)load.stop();
    EXPECT_LE(service.pool("math").at("calls").at("crashed"), 3);
}

TEST(Spares, AKilledSpareComesBack) {
    const Service service{{.pools = math_with(1, 1)}};
    await_size(service, "math", 1, 1);
    const auto worker = service.workers("math");
    const auto spare = pids_of(service, "math", "spare");
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    ASSERT_EQ(::kill(spare.at(0), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] {
        const auto now = pids_of(service, "math", "spare");
        return now.size() == 1 && now != spare;
    }));
    EXPECT_EQ(service.workers("math"), worker);
}

TEST(Spares, ChangeWhileThePoolRuns) {
    Service service{{.pools = math_with(2, 0)}};
    const auto before = service.workers("math");
    service.configure({.pools = math_with(2, 3)});
    EXPECT_EQ(service.run({"reload"}).out, "pool math: spares 0 -> 3\n");
    await_size(service, "math", 2, 3);
    EXPECT_EQ(service.workers("math"), before);

    // More workers are spares first, and their replacements come after.
    EXPECT_EQ(service.run({"resize", "math", "4"}).out, "pool math: workers 2 -> 4\n");
    EXPECT_THAT(service.workers("math"), SizeIs(4));
    await_size(service, "math", 4, 3);
    EXPECT_EQ(service.run({"resize", "math", "1"}).code, 0);
    await_size(service, "math", 1, 3);
    EXPECT_EQ(service.workers("math").at(0), before.at(0));

    service.configure({.pools = math_with(1, 0)});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    await_size(service, "math", 1, 0);
    EXPECT_THAT(service.crashes(), SizeIs(0));
}

TEST(Spares, RollWithTheOthersAndNoCallIsLost) {
    Service service{{.pools = math_with(2, 1)}};
    await_size(service, "math", 2, 1);
    auto before = service.workers("math");
    before.push_back(pids_of(service, "math", "spare").at(0));
    Load load{service.socket()};
    load.await();
    service.configure({.pools = math_with(2, 1, "[pool.math.env]\nGREETING = \"hello\"\n")});
    EXPECT_EQ(service.run({"reload"}).out, "pool math: env changed\n");
    EXPECT_TRUE(eventually([&] {
        auto now = service.workers("math");
        EXPECT_GE(now.size(), 1U);
        const auto spares = pids_of(service, "math", "spare");
        now.insert(now.end(), spares.begin(), spares.end());
        return now.size() == 3 &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::count(before, pid) > 0; });
    }));
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_THAT(service.crashes(), SizeIs(0));
}

TEST(Spares, AreGoneWithTheirPool) {
    Service service{{.pools = math_with(2, 2)}};
    await_size(service, "math", 2, 2);
    const auto watched = watch_all(descendant_pids(service.pid()));
    EXPECT_THAT(watched, SizeIs(1 + 4));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(left_after(watched, 0ms), testing::IsEmpty());
    service.start();
}

TEST(Spares, ThatCannotStartQuarantineThePool) {
    const Service service{{.pools = "[pool.chaos]\nworkers = 1\nspares = 2\nplugin = \"" + chaos_library() +
                                    "\"\n[pool.chaos.settings]\ncrash = \"create\"\n[pool.chaos.restart]\n"
                                    "intensity = 3\ncooldown = \"1h\"\nbackoff = { min = \"1ms\", max = \"1ms\" }\n"}};
    service.await_pool("chaos", "quarantined");
    EXPECT_THAT(service.pool("chaos").at("reason"), HasSubstr("did not start (create)"));
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").empty(); })) << service.pool("chaos");
}

TEST(Spares, ThreeHundredCrashesLoseNothingElse) {
    const Service service{
        {.pools = math_with(1, 0) + chaos_with(1, 2, true) + "[pool.chaos.restart]\ncall_crashes = 100000\n"}};
    const auto math = service.workers("math");
    Load load{service.socket()};
    auto client = service.client();
    for (int round = 0; round < 300; ++round) {
        ASSERT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV") << round;
        ASSERT_EQ(call(client, "chaos.ok", "1").output, "1") << round;
    }
    await_size(service, "chaos", 1, 2);
    EXPECT_EQ(service.pool("chaos").at("calls").at("crashed"), 300);
    EXPECT_EQ(service.pool("chaos").at("calls").at("ok"), 300);
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.workers("math"), math);
}

}  // namespace
}  // namespace caisson::test
