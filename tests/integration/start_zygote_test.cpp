// SPDX-License-Identifier: Apache-2.0
/// Workers that are copies of a zygote: they are as free of each other as others, and what a library does to the zygote
/// harms its own pool at most.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// The promise: nobody outlives the supervisor by more.
constexpr auto promised = 2s;

std::string pool_of(const std::string& name, const std::string& library, const std::string& more = {}) {
    return "[pool." + name + "]\nworkers = 2\nstart = \"zygote\"\npoison.crashes = 0\nplugin = \"" + library + "\"\n" +
           more;
}
std::string chaos(const std::string& more = {}) { return pool_of("chaos", chaos_library(), more); }
std::string at_load(const std::string& act, const std::string& more = {}) {
    return "[pool.math]\nworkers = 2\n" +
           pool_of("at_load", fixture_library("at_load"),
                   "restart = { intensity = 3, period = \"1h\", cooldown = \"1h\", backoff = { min = \"1ms\", max = "
                   "\"1ms\" } }\nenv = { AT_LOAD = \"" +
                       act + "\" }\n" + more);
}

pid_t zygote_of(const Service& service, std::string_view pool) {
    const auto facts = service.pool(pool);
    const auto zygote = facts.find("zygote");
    return zygote != facts.end() && zygote->at("state") == "ready" ? zygote->at("pid").get<pid_t>() : 0;
}

/// Waits for a zygote that is ready and not `before`.
pid_t await_zygote(const Service& service, std::string_view pool, pid_t before = 0) {
    pid_t pid = 0;
    EXPECT_TRUE(eventually([&] { return (pid = zygote_of(service, pool)) != 0 && pid != before; }))
        << service.pool(pool) << service.log();
    return pid;
}

TEST(Zygote, MakesWorkersThatAreTheKeepersAndAloneInTheirSessions) {
    const Service service{{.pools = chaos()}};
    const auto zygote = zygote_of(service, "chaos");
    ASSERT_NE(zygote, 0);
    const auto workers = service.workers("chaos");
    ASSERT_THAT(workers, SizeIs(2));
    EXPECT_THAT(workers, Each(Not(zygote)));
    const auto all = descendants(service.pid());
    for (const auto pid : workers) {
        EXPECT_EQ(::getsid(pid), pid);
        EXPECT_EQ(::getpgid(pid), pid);
        const auto found = std::ranges::find(all, pid, &Process::pid);
        ASSERT_NE(found, all.end());
        EXPECT_EQ(found->parent, service.keeper());
        EXPECT_THAT(found->name, HasSubstr("chaos/"));
    }
    EXPECT_EQ(service.run({"call", "chaos.ok", "7"}).out, "7");
    EXPECT_EQ(service.pool("chaos").at("start"), "zygote");
}

TEST(Zygote, ItsCopiesReachNoMoreThanOtherWorkers) {
    const std::string one = "]\nworkers = 1\nspares = 1\nplugin = \"" + fixture_library("at_load") + "\"\n";
    const Service service{{.pools = "[pool.copies" + one + "start = \"zygote\"\n[pool.programs" + one}};
    const auto spare_of = [&](std::string_view pool) {
        pid_t spare = 0;
        EXPECT_TRUE(eventually([&] {
            const auto workers = service.pool(pool).at("workers");
            for (const auto& worker : workers)
                if (worker.at("state") == "spare") spare = worker.at("pid");
            return spare != 0;
        }));
        return spare;
    };
    const auto reached = [&](const std::string& pool, pid_t target) {
        const auto ended = service.run({"call", pool + ".reach", std::to_string(target)});
        EXPECT_EQ(ended.code, 0) << ended.err;
        return ended.out;
    };
    // Where the kernel cannot scope signals, both may.
    const auto sibling = reached("programs", spare_of("programs"));
    EXPECT_EQ(reached("copies", spare_of("copies")), sibling);
    EXPECT_EQ(reached("copies", zygote_of(service, "copies")), sibling);
    EXPECT_EQ(reached("copies", service.keeper()), sibling);
    EXPECT_EQ(reached("copies", service.workers("copies").at(0)), "allowed") << "itself";
}

TEST(Zygote, ItsCopiesReportTheirCrashesLikeOthers) {
    const Service service{{.pools = chaos()}};
    auto client = service.client();
    const auto crashed = call(client, "chaos.segv");
    EXPECT_EQ(summary(crashed), "crashed signaled SIGSEGV");
    EXPECT_THAT(document(crashed).at("stack").dump(), HasSubstr("poke"));
    const auto overflow = call(client, "chaos.stack_overflow");
    EXPECT_EQ(summary(overflow), "crashed signaled SIGSEGV");
    EXPECT_FALSE(document(overflow).at("stack").empty()) << "the handler has a stack of its own in a copy, too";
    EXPECT_EQ(summary(call(client, "chaos.abort")), "crashed signaled SIGABRT");
}

TEST(Zygote, ThreeHundredCrashesLoseNothingElse) {
    const Service service{{.pools = "[pool.math]\nworkers = 1\n" + chaos("restart.call_crashes = 100000\n")}};
    const auto math = service.workers("math");
    const auto zygote = zygote_of(service, "chaos");
    Load load{service.socket()};
    auto client = service.client();
    for (int round = 0; round < 300; ++round) {
        ASSERT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV") << round;
        ASSERT_EQ(call(client, "chaos.ok", "1").output, "1") << round;
    }
    service.await_pool("chaos");
    EXPECT_EQ(zygote_of(service, "chaos"), zygote) << "it has made all of them";
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_TRUE(eventually([&] { return descendants(service.pid()).size() == 1 + 1 + 1 + 2; }))
        << describe(descendants(service.pid()));
}

TEST(Zygote, KilledWhileIdleIsReplacedAndItsCopiesGoOn) {
    const Service service{{.pools = chaos("restart.backoff = { min = \"1ms\", max = \"1ms\" }\n")}};
    const auto workers = service.workers("chaos");
    const auto zygote = zygote_of(service, "chaos");
    ASSERT_EQ(::kill(zygote, SIGKILL), 0);
    await_zygote(service, "chaos", zygote);
    EXPECT_EQ(service.workers("chaos"), workers);
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
    service.await_pool("chaos");
    EXPECT_EQ(call(client, "chaos.ok", "1").output, "1");
}

TEST(Zygote, KilledWhileItCopiesLosesNoOrder) {
    const Service service{{.pools = "[pool.math]\nworkers = 1\n" +
                                    chaos("restart = { intensity = 1000, call_crashes = 100000, backoff = { min = "
                                          "\"1ms\", max = \"1ms\" } }\n")}};
    const auto math = service.workers("math");
    Load load{service.socket()};
    auto client = service.client();
    for (int round = 0; round < 40; ++round) {
        // Both workers crash, and the zygote is killed when it is asked for others.
        const auto first = client.submit({.target = "chaos.segv"});
        const auto second = client.submit({.target = "chaos.segv"});
        ASSERT_TRUE(first && second && client.flush());
        if (const auto zygote = zygote_of(service, "chaos"); zygote != 0) ::kill(zygote, SIGKILL);
        for (int i = 0; i < 2; ++i) {
            const auto event = client.next(patience);
            ASSERT_TRUE(event && *event);
            ASSERT_EQ(summary(std::get<Done>(**event).result), "crashed signaled SIGSEGV") << round;
        }
    }
    service.await_pool("chaos");
    EXPECT_EQ(call(client, "chaos.ok", "1").output, "1");
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.workers("math"), math);
    // Keeper, math, two copies, their zygote: no copy was left that nobody knows.
    EXPECT_TRUE(eventually([&] { return descendants(service.pid()).size() == 5; }))
        << describe(descendants(service.pid()));
}

TEST(Zygote, DiesWithItsSupervisor) {
    Service service{{.pools = chaos("spares = 1\n") + pool_of("math", (plugin_folder() / "libmath.so").string())}};
    auto client = service.client();
    ASSERT_GT(std::stoi(call(client, "chaos.daemonize").output), 0);
    std::vector<pid_t> everybody;
    EXPECT_TRUE(eventually([&] { return (everybody = descendant_pids(service.pid())).size() == 1 + 2 + 5 + 1; }));
    const auto watched = watch_all(everybody);
    service.signal(SIGKILL);
    EXPECT_EQ(service.wait().code, 128 + SIGKILL);
    EXPECT_THAT(left_after(watched, promised), IsEmpty());
    service.start();
}

TEST(Zygote, ComesBackWithTheKeeper) {
    const Service service{{.pools = chaos()}};
    const auto zygote = zygote_of(service, "chaos");
    const auto children = watch_all(descendant_pids(service.pid()));
    ASSERT_EQ(::kill(service.keeper(), SIGKILL), 0);
    EXPECT_THAT(left_after(children, promised), IsEmpty());
    await_zygote(service, "chaos", zygote);
    service.await_pool("chaos");
    EXPECT_EQ(service.run({"call", "chaos.ok", "7"}).out, "7");
}

TEST(Zygote, StopsWithItsPool) {
    Service service{{.pools = chaos("spares = 1\n")}};
    ASSERT_TRUE(eventually([&] {  // one that starts yet would have to be killed
        const auto workers = service.pool("chaos").at("workers");
        return std::ranges::all_of(
            workers, [](const auto& worker) { return worker.at("state") == "idle" || worker.at("state") == "spare"; });
    }));
    const auto watched = watch_all(descendant_pids(service.pid()));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(left_after(watched, 0ms), IsEmpty());
    EXPECT_THAT(service.log(), Not(HasSubstr("worker ended")));
    service.start();
}

TEST(Zygote, IsTakenAndGivenUpByReload) {
    Service service{{.pools = "[pool.math]\nworkers = 2\n"}};
    const auto before = service.workers("math");
    service.configure({.pools = "[pool.math]\nworkers = 2\nstart = \"zygote\"\n"});
    EXPECT_EQ(service.run({"reload"}).out, "pool math: start \"exec\" -> \"zygote\"\n");
    await_zygote(service, "math");
    EXPECT_EQ(service.workers("math"), before);
    service.configure({.pools = "[pool.math]\nworkers = 2\n"});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_TRUE(eventually([&] { return !service.pool("math").contains("zygote"); }));
    EXPECT_EQ(service.workers("math"), before);
}

TEST(Zygote, IsNewWhenThePoolRolls) {
    Service service{{.pools = chaos()}};
    const auto zygote = zygote_of(service, "chaos");
    const auto before = service.workers("chaos");
    service.configure({.pools = chaos("env = { GREETING = \"hello\" }\n")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    await_zygote(service, "chaos", zygote);
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers("chaos");
        return now.size() == 2 &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::count(before, pid) > 0; });
    })) << service.pool("chaos");
    EXPECT_THAT(service.crashes(), IsEmpty());
}

TEST(Zygote, IsNewWhenTheLibraryIs) {
    const Folder folder;
    const auto library = folder / "libversion.so";
    std::filesystem::copy_file(fixture_library("version_1"), library);
    const Service service{
        {.pools = pool_of("version", library.string(), "canary = { calls = 1, time = \"1ms\" }\n"), .watch = true}};
    const auto zygote = zygote_of(service, "version");
    EXPECT_EQ(service.run({"call", "version.version"}).out, "1.0.0");
    std::filesystem::copy_file(fixture_library("version_2"), folder / "new");
    std::filesystem::rename(folder / "new", library);
    await_zygote(service, "version", zygote);
    EXPECT_TRUE(eventually([&] { return service.pool("version").at("version") == "2.0.0"; }));
    EXPECT_EQ(service.run({"call", "version.version"}).out, "2.0.0");
    service.await_pool("version");
}

// ---- libraries that do things to it ---------------------------------------------------------------------------------

TEST(ZygoteWithThreads, IsGivenUpAndThePoolStartsByExec) {
    const Service service{{.pools = at_load("thread")}};
    service.await_pool("at_load");
    const auto pool = service.pool("at_load");
    EXPECT_THAT(pool.at("no_zygote"), HasSubstr("threads"));
    EXPECT_FALSE(pool.contains("zygote"));
    EXPECT_THAT(service.run({"status"}).out, HasSubstr("pool at_load starts its workers by exec: the plugin has"));
    EXPECT_THAT(service.log(), HasSubstr("workers start by exec, not as copies of a zygote"));
    EXPECT_EQ(service.run({"call", "at_load.nothing"}).code, 0);
    EXPECT_THAT(service.crashes(), IsEmpty());
    // A worker that is lost comes back the same way.
    ASSERT_EQ(::kill(service.workers("at_load").at(0), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] { return service.workers("at_load").size() == 2; }));
}

struct Hostile {
    std::string act;
    std::string reason;  ///< why the pool is quarantined
    std::string more = {};
};
void PrintTo(const Hostile& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.act;
}

class HostileZygote : public testing::TestWithParam<Hostile> {};

TEST_P(HostileZygote, FailsAsAWorkerThatStartsByExecWould) {
    const auto& row = GetParam();
    const Service service{{.pools = at_load(row.act, row.more)}};
    const auto math = service.workers("math");
    const auto keeper = service.keeper();
    Load load{service.socket()};
    service.await_pool("at_load", "quarantined");
    EXPECT_THAT(service.pool("at_load").at("reason"), HasSubstr(row.reason));
    EXPECT_EQ(service.run({"call", "at_load.nothing"}).code, 6);
    EXPECT_TRUE(eventually([&] { return service.crashes().size() == 4; })) << "one more than intensity";
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_EQ(service.keeper(), keeper);
    EXPECT_TRUE(eventually([&] { return descendants(service.pid()).size() == 1 + 2; }))
        << describe(descendants(service.pid()));
}

INSTANTIATE_TEST_SUITE_P(AtLoad, HostileZygote,
                         testing::Values(Hostile{"crash", "did not start (load): died: SIG"},
                                         Hostile{"sleep",
                                                 "not ready after 200 ms (limits.start_timeout), it was at: load",
                                                 "limits.start_timeout = \"200ms\"\n"},
                                         Hostile{"close", ""}),
                         [](const auto& test) { return test.param.act; });

class BusyZygote : public testing::TestWithParam<std::string> {};

TEST_P(BusyZygote, HarmsNobody) {
    Service service{{.pools = at_load(GetParam())}};
    const auto math = service.workers("math");
    const auto keeper = service.keeper();
    service.await_pool("at_load");
    EXPECT_EQ(service.run({"call", "at_load.nothing"}).code, 0);
    ASSERT_EQ(::kill(service.workers("at_load").at(0), SIGKILL), 0);
    EXPECT_TRUE(eventually([&] { return service.workers("at_load").size() == 2; })) << service.pool("at_load");
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_EQ(service.keeper(), keeper);
    const auto watched = watch_all(descendant_pids(service.pid()));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(left_after(watched, promised), IsEmpty()) << "what it has left behind goes with it";
    service.start();
}

INSTANTIATE_TEST_SUITE_P(AtLoad, BusyZygote, testing::Values("fork", "kill"),
                         [](const auto& test) { return test.param; });

// Its next zygote would come in ten minutes; nothing waits for that any more.
TEST(Zygote, ThatIsGivenUpWhileItRestsLetsTheWorkersStart) {
    const auto bad_with = [](const std::string& start) {
        return "[pool.bad]\nworkers = 1\nplugin = \"" + fixture_library("crash_at_load") + "\"\nstart = \"" + start +
               "\"\nrestart = { intensity = 1000, backoff = { min = \"10min\", max = \"10min\" } }\n" +
               "[pool.math]\nworkers = 1\n";
    };
    const Service service{{.pools = "[pool.math]\nworkers = 1\n"}};
    service.configure({.pools = bad_with("zygote")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    service.await_log("event=worker_ended pool=bad");
    service.configure({.pools = bad_with("exec")});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    service.await_log("event=worker_ended pool=bad worker=1");
}

}  // namespace
}  // namespace caisson::test
