// SPDX-License-Identifier: Apache-2.0
/// Changing a running service: nothing that did not change notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::SizeIs;

std::string math_with(int workers, const std::string& more = {}) {
    return "[pool.math]\nworkers = " + std::to_string(workers) + "\n" + more;
}

/// Waits until a pool has so many workers that serve, and no others.
std::vector<pid_t> await_workers(const Service& service, std::string_view pool, std::size_t count) {
    std::vector<pid_t> pids;
    EXPECT_TRUE(eventually([&] {
        pids = service.workers(pool);
        return pids.size() == count && service.pool(pool).at("workers").size() == count;
    })) << service.pool(pool);
    return pids;
}

TEST(Reload, MoreWorkersComeBesideTheOldAndGoAgain) {
    Service service{{.pools = math_with(4)}};
    const auto before = service.workers("math");
    ASSERT_THAT(before, SizeIs(4));
    Load load{service.socket()};

    // As it is typed.
    const auto sed = run_program({"/bin/sed", "-i", "s/workers = 4/workers = 8/", service.config().string()});
    ASSERT_EQ(sed.code, 0) << sed.err;
    const auto reload = service.run({"reload"});
    EXPECT_EQ(reload.code, 0) << reload.err;
    EXPECT_EQ(reload.out, "pool math: workers 4 -> 8\n");
    const auto eight = await_workers(service, "math", 8);
    EXPECT_THAT(eight, IsSupersetOf(before));

    service.configure({.pools = math_with(4)});
    EXPECT_EQ(service.run({"reload"}).out, "pool math: workers 8 -> 4\n");
    EXPECT_EQ(await_workers(service, "math", 4), before);
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.pool("math").at("calls").at("crashed"), 0);
    EXPECT_THAT(service.crashes(), SizeIs(0));
}

TEST(Reload, OfTheSameFileChangesNothing) {
    Service service;
    const auto before = service.workers("math");
    const auto reload = service.run({"reload"});
    EXPECT_EQ(reload.code, 0);
    EXPECT_EQ(reload.out, "nothing changed\n");
    EXPECT_EQ(service.workers("math"), before);
}

TEST(Reload, OfABadFileChangesNothingAndSaysWhy) {
    Service service{{.pools = math_with(2)}};
    const auto before = service.workers("math");
    service.configure({.pools = "[pool.math]\nworkres = 8\n"});
    const auto reload = service.run({"reload"});
    EXPECT_EQ(reload.code, 6);
    EXPECT_THAT(reload.err, HasSubstr("nothing was changed"));
    EXPECT_THAT(reload.err, HasSubstr(service.config().string()));
    EXPECT_THAT(reload.err, HasSubstr("workres"));
    EXPECT_THAT(reload.err, HasSubstr("workers"));

    service.configure({.pools = "[pool.math\nworkers = 8\n"});
    EXPECT_EQ(service.run({"reload"}).code, 6);
    EXPECT_EQ(service.workers("math"), before);
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");

    // The signal that daemons are used to says it in the log.
    service.signal(SIGHUP);
    service.await_log("reload refused");
    EXPECT_EQ(service.workers("math"), before);
}

TEST(Reload, BySignalDoesTheSame) {
    Service service{{.pools = math_with(1)}};
    service.configure({.pools = math_with(3)});
    service.signal(SIGHUP);
    await_workers(service, "math", 3);
}

TEST(Reload, ANewEnvironmentRollsTheWorkersOneByOneAndLosesNoCall) {
    Service service{{.pools = math_with(3)}};
    const auto before = service.workers("math");
    Load load{service.socket()};
    load.await();
    service.configure({.pools = math_with(3, "[pool.math.env]\nGREETING = \"hello\"\n")});
    const auto reload = service.run({"reload"});
    EXPECT_EQ(reload.out, "pool math: env changed\n");

    std::vector<pid_t> now;
    EXPECT_TRUE(eventually([&] {
        now = service.workers("math");
        EXPECT_GE(now.size(), 2U) << "more than one at a time";
        return now.size() == 3 &&
               std::ranges::none_of(now, [&](pid_t pid) { return std::ranges::count(before, pid) > 0; });
    }));
    load.await();
    EXPECT_EQ(load.stop(), "");
    for (const auto* const other : {"crashed", "failed", "timed_out", "cancelled", "refused"})
        EXPECT_EQ(service.pool("math").at("calls").at(other), 0) << other;
    EXPECT_THAT(service.crashes(), SizeIs(0));
}

TEST(Reload, AddsAndRemovesPools) {
    Service service{{.pools = math_with(2)}};
    const auto before = service.workers("math");
    service.configure({.pools = math_with(2) + "[pool.text]\nworkers = 1\n"});
    EXPECT_EQ(service.run({"reload"}).out, "pool text: added, workers 1\n");
    service.await_pool("text");
    EXPECT_EQ(Json::parse(service.run({"call", "text.wordcount", "a b"}).out).at("words"), 2);

    service.configure({.pools = math_with(2)});
    EXPECT_EQ(service.run({"reload"}).out, "pool text: removed\n");
    EXPECT_TRUE(eventually([&] { return service.status().at("pools").size() == 1; }));
    const auto refused = service.run({"call", "text.wordcount", "a b"});
    EXPECT_EQ(refused.code, 6);
    EXPECT_THAT(refused.err, HasSubstr("pools: math"));
    EXPECT_EQ(service.workers("math"), before);
}

TEST(Reload, ARemovedPoolFinishesWhatItRuns) {
    const Gate gate;
    Service service{
        {.pools = math_with(1) + "[pool.ledger]\nworkers = 1\nplugin = \"" + fixture_library("ledger") + "\"\n"}};
    Program running{service.command({"call", "ledger.gate", gate.path()})};
    service.await_running("ledger", 1);
    service.configure({.pools = math_with(1)});
    EXPECT_EQ(service.run({"reload"}).out, "pool ledger: removed\n");
    EXPECT_EQ(service.pool("ledger").at("state"), "draining");
    EXPECT_EQ(service.run({"call", "ledger.note", "x"}).code, 6);
    gate.open("through");
    const auto ended = running.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "through");
    EXPECT_TRUE(eventually([&] { return service.status().at("pools").size() == 1; }));
}

TEST(Reload, ALibraryThatWasDroppedInGetsAPool) {
    const Folder plugins;
    std::filesystem::copy(plugin_folder() / "libmath.so", plugins.path());
    Service service{{.pools = "[defaults]\nworkers = 1\n", .plugin_dir = plugins.path(), .discover = true}};
    const auto math = service.workers("math");
    EXPECT_EQ(service.status().at("pools").size(), 1U);

    std::filesystem::copy(plugin_folder() / "libtext.so", plugins.path());
    EXPECT_EQ(service.run({"reload"}).out, "pool text: added, workers 1\n");
    service.await_pool("text");
    EXPECT_EQ(Json::parse(service.run({"call", "text.wordcount", "a b"}).out).at("words"), 2);
    EXPECT_EQ(service.workers("math"), math);

    std::filesystem::remove(plugins / "libtext.so");
    EXPECT_EQ(service.run({"reload"}).out, "pool text: removed\n");
    EXPECT_TRUE(eventually([&] { return service.status().at("pools").size() == 1; }));
}

TEST(Resize, ByCommandKeepsTheOthers) {
    Service service{{.pools = math_with(2)}};
    const auto before = service.workers("math");
    Load load{service.socket()};
    const auto up = service.run({"resize", "math", "5"});
    EXPECT_EQ(up.code, 0) << up.err;
    EXPECT_EQ(up.out, "pool math: workers 2 -> 5\n");
    EXPECT_THAT(await_workers(service, "math", 5), IsSupersetOf(before));
    EXPECT_EQ(service.run({"resize", "math", "1"}).out, "pool math: workers 5 -> 1\n");
    EXPECT_EQ(await_workers(service, "math", 1), std::vector{before[0]});
    EXPECT_EQ(load.stop(), "");
    EXPECT_THAT(service.crashes(), SizeIs(0));
}

TEST(Resize, QuicklyUpAndDownEndsWhereItWasTold) {
    Service service{{.pools = math_with(2)}};
    Load load{service.socket()};
    for (const auto* const count : {"6", "1", "4", "2", "5", "3"})
        EXPECT_EQ(service.run({"resize", "math", count}).code, 0);
    await_workers(service, "math", 3);
    EXPECT_EQ(load.stop(), "");
}

TEST(Resize, OfNoPoolOrToNoNumberIsRefused) {
    Service service{{.pools = math_with(2)}};
    const auto unknown = service.run({"resize", "mth", "4"});
    EXPECT_EQ(unknown.code, 6);
    EXPECT_THAT(unknown.err, HasSubstr("there is no pool mth"));
    const auto none = service.run({"resize", "math", "0"});
    EXPECT_EQ(none.code, 6);
    EXPECT_THAT(none.err, HasSubstr("from 1 to 1024"));
    EXPECT_EQ(service.run({"resize", "math", "5000"}).code, 6);
    EXPECT_EQ(service.run({"resize", "math", "many"}).code, 2);
    EXPECT_THAT(service.workers("math"), SizeIs(2));
}

}  // namespace
}  // namespace caisson::test
