// SPDX-License-Identifier: Apache-2.0
/// Workers that are replaced although nothing is wrong with them: their replacement is ready first, and no call is
/// lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

std::string math_with(int workers, const std::string& more) {
    return "[pool.math]\nworkers = " + std::to_string(workers) + "\n" + more;
}

/// Waits until none of them works any more and as many do; there are never fewer that do.
void await_successors(const Service& service, std::string_view pool, const std::vector<pid_t>& before) {
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers(pool);
        EXPECT_GE(now.size(), before.size()) << "the replacement must be ready first";
        return now.size() == before.size() &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::count(before, pid) > 0; });
    })) << service.pool(pool);
}

void expect_no_harm(const Service& service, std::string_view pool) {
    const auto told = service.pool(pool);
    for (const auto* const other : {"crashed", "failed", "timed_out", "cancelled", "refused"})
        EXPECT_EQ(told.at("calls").at(other), 0) << other;
    EXPECT_EQ(told.at("breaker").at("state"), "closed");
    EXPECT_THAT(service.crashes(), IsEmpty());
}

TEST(Recycling, ByCallsLosesNone) {
    const Service service{{.pools = math_with(3, "max_calls = 2000\n")}};
    const auto before = service.workers("math");
    Load load{service.socket()};
    await_successors(service, "math", before);
    load.await();
    EXPECT_EQ(load.stop(), "");
    service.await_log("max_calls");
    expect_no_harm(service, "math");
}

TEST(Recycling, ByAgeNeedsNoCalls) {
    const Service service{{.pools = math_with(2, "max_age = \"700ms\"\n")}};
    await_successors(service, "math", service.workers("math"));
    await_successors(service, "math", service.workers("math"));
    service.await_log("max_age");
    expect_no_harm(service, "math");
}

TEST(Recycling, ByMemoryIsMeasuredWhileCallsAreAnswered) {
    const Service service{
        {.pools = "[pool.chaos]\nworkers = 1\nmax_memory = \"1MiB\"\nplugin = \"" + chaos_library() + "\"\n"}};
    const auto before = service.workers("chaos");
    EXPECT_GT(service.pool("chaos").at("memory_bytes"), 0);
    auto client = service.client();
    // From the second of its size on a result comes from the heap, which keeps it.
    const std::string large(3'000'000, 'x');
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(summary(call(client, "chaos.echo", large)), "ok");
        const auto now = service.workers("chaos");
        EXPECT_GE(now.size(), 1U);
        return now.size() == 1 && now != before;
    })) << service.pool("chaos");
    service.await_log("max_memory");
    expect_no_harm(service, "chaos");
}

TEST(Recycling, OfSparesAndCopiesOfAZygote) {
    const Service service{{.pools = math_with(2, "spares = 1\nstart = \"zygote\"\nmax_age = \"700ms\"\n")}};
    Load load{service.socket()};
    await_successors(service, "math", service.workers("math"));
    load.await();
    EXPECT_EQ(load.stop(), "");
    expect_no_harm(service, "math");
}

TEST(Recycling, WaitsForACallThatRuns) {
    const Gate gate;
    const Service service{
        {.pools = "[pool.ledger]\nworkers = 1\nmax_age = \"300ms\"\nplugin = \"" + fixture_library("ledger") + "\"\n"}};
    const auto before = service.workers("ledger");
    Program running{service.command({"call", "ledger.gate", gate.path()})};
    service.await_running("ledger", 1);
    // Its successor serves beside it.
    EXPECT_TRUE(eventually([&] { return service.workers("ledger") != before && !service.workers("ledger").empty(); }));
    gate.open("through");
    const auto ended = running.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "through");
    expect_no_harm(service, "ledger");
}

// A replacement that does not start costs nothing but the replacement.
TEST(Renewal, ThatFailsLeavesTheOldWorkersAndOpensTheBreaker) {
    const auto chaos_with = [](const std::string& more) {
        return "[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() +
               "\"\n[pool.chaos.restart]\nintensity = 2\ncooldown = \"1h\"\nbackoff = { min = \"1ms\", max = \"1ms\" "
               "}\n" +
               more;
    };
    const Service service{{.pools = chaos_with("")}};
    const auto before = service.workers("chaos");
    service.configure({.pools = chaos_with("[pool.chaos.settings]\ncrash = \"create\"\n")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("breaker").at("state") == "open"; }));
    EXPECT_GT(service.pool("chaos").at("breaker").at("probe_in_s"), 3000);
    EXPECT_EQ(service.workers("chaos"), before);
    EXPECT_EQ(service.run({"call", "chaos.ok", "7"}).out, "7");
    const auto waiting = service.pool("chaos").at("workers").at(0);
    EXPECT_THAT(waiting.at("renewing").get<std::string>(), HasSubstr("settings"));

    // What is mended is tried at once, and those that were never replaced are of the right kind again.
    service.configure({.pools = chaos_with("")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_EQ(service.pool("chaos").at("breaker").at("state"), "closed");
    EXPECT_EQ(service.workers("chaos"), before);
}

TEST(Renewal, OfAWorkerThatDiesMeanwhileStillHappens) {
    const Service service{{.pools = math_with(2, "start = \"zygote\"\n")}};
    auto before = service.workers("math");
    Load load{service.socket()};
    EXPECT_EQ(service.run({"restart", "math"}).code, 0);
    for (const auto pid : before) ::kill(pid, SIGKILL);
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers("math");
        return now.size() == 2 && service.pool("math").at("workers").size() == 2 &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::count(before, pid) > 0; });
    })) << service.pool("math");
    load.await();
    (void)load.stop();  // what the killed ones ran is lost, and nothing else
    EXPECT_LE(service.pool("math").at("calls").at("crashed"), 2);
}

}  // namespace
}  // namespace caisson::test
