// SPDX-License-Identifier: Apache-2.0
/// Libraries that come, change and go while the service runs, under load: no call fails for it.
///
/// With CAISSON_LONG set, a thousand versions follow each other, else a few dozen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

/// A folder of plugins and a service that watches it.
class LiveLibraries : public testing::Test {
   protected:
    static constexpr const char* quick =
        "[defaults]\nworkers = 2\ncanary = { calls = 5, time = \"1h\" }\n"
        "restart = { intensity = 2, backoff = { min = \"1ms\", max = \"1ms\" } }\n";

    void start(const std::string& pools = quick, const std::string& service = "settle = \"20ms\"\n") {
        service_ = std::make_unique<Service>(Configuration{
            .pools = pools, .service = service, .plugin_dir = plugins_.path(), .discover = true, .watch = true});
    }
    [[nodiscard]] fs::path file(const std::string& name = "live") const { return plugins_ / ("lib" + name + ".so"); }

    /// Under another name, and then by a rename.
    void put(const std::string& version, const std::string& name = "live") const {
        const auto next = plugins_ / (name + ".next");
        fs::copy_file(fixture_library(version), next, fs::copy_options::overwrite_existing);
        fs::rename(next, file(name));
    }
    /// Into the file that is there, as `cp` does.
    void overwrite(const std::string& version) const { write_file(file(), read_file(fixture_library(version))); }

    [[nodiscard]] Json library(const std::string& pool = "live") const { return service_->pool(pool).at("library"); }
    void await_version(const std::string& version) const {
        EXPECT_TRUE(eventually([&] {
            const auto now = library();
            return now.at("version") == version && !now.contains("candidate");
        })) << service_->pool("live").dump()
            << service_->log();
    }
    void await_pool(const std::string& name) const {
        EXPECT_TRUE(eventually([&] {
            const auto pools = service_->status().at("pools");
            return std::ranges::any_of(pools,
                                       [&](const auto& p) { return p.at("name") == name && p.at("state") == "ready"; });
        })) << service_->log();
    }
    void await_no_pool(const std::string& name) const {
        EXPECT_TRUE(eventually([&] {
            const auto pools = service_->status().at("pools");
            return std::ranges::none_of(pools, [&](const auto& pool) { return pool.at("name") == name; });
        })) << service_->log();
    }
    [[nodiscard]] std::size_t events(const std::string& name) const {
        const auto log = service_->log();
        std::size_t count = 0;
        for (auto at = log.find("event=" + name); at != std::string::npos; at = log.find("event=" + name, at + 1))
            ++count;
        return count;
    }
    void expect_all_ok() const {
        const auto calls = service_->pool("live").at("calls");
        for (const auto* const other : {"crashed", "failed", "timed_out", "cancelled", "refused"})
            EXPECT_EQ(calls.at(other), 0) << other;
    }
    [[nodiscard]] std::string version() const { return service_->run({"call", "live.version"}).out; }

    Folder plugins_;
    std::unique_ptr<Service> service_;
};

TEST_F(LiveLibraries, DroppedInBecomesAPoolWithinASecond) {
    put("version_1", "other");
    start(quick, "");  // with the settle time that services have
    const auto begun = std::chrono::steady_clock::now();
    put("version_1");
    await_pool("live");
    std::printf("a pool after %ld ms\n", static_cast<long>((std::chrono::steady_clock::now() - begun) / 1ms));
    EXPECT_EQ(version(), "1.0.0");
    EXPECT_EQ(library().at("loaded"), "image");
    EXPECT_THAT(library().at("hash").get<std::string>(), SizeIs(32));
}

TEST_F(LiveLibraries, RemovedDrainsItsPoolAndComesBackAfterIt) {
    const Gate gate;
    fs::copy_file(fixture_library("ledger"), file());
    put("version_1", "other");
    start();
    const auto others = service_->workers("other");
    Program running{service_->command({"call", "live.gate", gate.path()})};
    service_->await_running("live", 1);
    fs::remove(file());
    EXPECT_TRUE(eventually([&] { return service_->pool("live").at("state") == "draining"; }));
    EXPECT_EQ(service_->run({"call", "live.note", "x"}).code, 6);
    // It comes back while the old one drains: a new pool has to wait for that.
    put("version_2");
    EXPECT_EQ(service_->pool("live").at("state"), "draining");
    gate.open("through");
    EXPECT_EQ(running.wait().out, "through");
    await_pool("live");
    EXPECT_EQ(version(), "2.0.0");
    EXPECT_EQ(service_->workers("other"), others);
}

TEST_F(LiveLibraries, RenamedIsAnotherPool) {
    put("version_1");
    start();
    fs::rename(file(), file("renamed"));
    await_pool("renamed");
    await_no_pool("live");
    EXPECT_EQ(service_->run({"call", "renamed.version"}).out, "1.0.0");
}

TEST_F(LiveLibraries, WrittenSlowlyIsAPoolWhenItIsComplete) {
    put("version_1", "other");
    start();
    const auto bytes = read_file(fixture_library("version_1"));
    std::ofstream slow{file(), std::ios::binary};
    slow << bytes.substr(0, bytes.size() / 2) << std::flush;
    put("version_1", "meanwhile");
    await_pool("meanwhile");
    EXPECT_THAT(service_->status().at("pools"), SizeIs(2)) << "half a library is none";
    slow << bytes.substr(bytes.size() / 2) << std::flush;
    slow.close();
    await_pool("live");
    EXPECT_EQ(version(), "1.0.0");
    EXPECT_EQ(events("worker_ended"), 0U);
}

TEST_F(LiveLibraries, ANewVersionIsTriedByOneWorkerAndThenTakenByAll) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    put("version_2");
    // Without calls it stays on trial, beside the two of the old version.
    ASSERT_TRUE(eventually(
        [&] { return library().contains("candidate") && library().at("candidate").at("state") == "trying"; }));
    EXPECT_EQ(library().at("version"), "1.0.0");
    EXPECT_EQ(library().at("candidate").at("version"), "2.0.0");
    const auto during = service_->workers("live");
    EXPECT_THAT(during, SizeIs(3));
    EXPECT_THAT(during, testing::IsSupersetOf(before));

    Load load{service_->socket(), "live.square"};
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
    EXPECT_TRUE(eventually([&] { return service_->pool("live").at("workers").size() == 2; }));
    EXPECT_EQ(version(), "2.0.0");
    for (const auto pid : service_->workers("live")) EXPECT_THAT(before, Not(testing::Contains(pid)));
    EXPECT_EQ(events("canary_started"), 1U);
    EXPECT_EQ(events("canary_promoted"), 1U);
    expect_all_ok();
}

TEST_F(LiveLibraries, ANewVersionThatNobodyCallsIsTakenAfterAWhile) {
    put("version_1");
    start("[defaults]\nworkers = 2\ncanary = { calls = 1000000, time = \"50ms\" }\n");
    put("version_2");
    await_version("2.0.0");
}

TEST_F(LiveLibraries, AVersionThatCrashesIsRolledBackAndNotTriedAgain) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    put("version_crashing");
    auto client = service_->client();
    EXPECT_TRUE(eventually([&] {
        static_cast<void>(call(client, "live.square", "7"));
        return events("canary_rolled_back") == 1;
    })) << service_->log();
    EXPECT_EQ(service_->workers("live"), before);
    EXPECT_THAT(library().at("rolled_back").at("why").get<std::string>(), HasSubstr("SIGSEGV"));
    EXPECT_EQ(summary(call(client, "live.square", "7")), "ok");

    // The same bytes again are no news; another version is.
    put("version_crashing");
    put("version_1", "other");
    await_pool("other");
    EXPECT_EQ(events("canary_started"), 1U);
    put("version_2");
    Load load{service_->socket(), "live.square"};
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
    EXPECT_FALSE(library().contains("rolled_back"));
}

TEST_F(LiveLibraries, AVersionThatCannotStartIsRolledBackAndNoCallNoticesIt) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    Load load{service_->socket(), "live.square"};
    put("version_refusing");
    EXPECT_TRUE(eventually([&] { return events("canary_rolled_back") == 1; })) << service_->log();
    EXPECT_THAT(library().at("rolled_back").at("why").get<std::string>(), HasSubstr("create"));
    write_file(file(), "no library at all");
    EXPECT_TRUE(eventually([&] { return events("canary_rolled_back") == 2; })) << service_->log();
    EXPECT_THAT(library().at("rolled_back").at("why").get<std::string>(), HasSubstr("a text file"));
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service_->workers("live"), before);
    expect_all_ok();
}

TEST_F(LiveLibraries, AVersionWithoutAMethodGetsNoCallsUntilItIsTaken) {
    put("version_1");
    start("[defaults]\nworkers = 2\ncanary = { calls = 1, time = \"200ms\" }\n");
    put("version_smaller");
    auto client = service_->client();
    while (library().at("version") == "1.0.0" && !library().contains("candidate")) {
    }
    for (CallResult result; library().contains("candidate");)
        EXPECT_EQ((result = call(client, "live.square", "3")).output, "9");
    await_version("5.0.0");
    EXPECT_THAT(service_->run({"call", "live.version"}).err, HasSubstr("no method"));
}

TEST_F(LiveLibraries, ANewerVersionTakesThePlaceOfTheOneOnTrial) {
    put("version_1");
    start();
    put("version_refusing");
    put("version_2");
    ASSERT_TRUE(eventually([&] {
        return library().contains("candidate") && library().at("candidate").at("version") == "2.0.0";
    })) << service_->log();
    put("version_1");  // and back: nothing is left to try
    EXPECT_TRUE(eventually([&] { return !library().contains("candidate"); }));
    EXPECT_TRUE(eventually([&] { return service_->pool("live").at("workers").size() == 2; }));
    EXPECT_EQ(library().at("version"), "1.0.0");
    EXPECT_EQ(version(), "1.0.0");
}

TEST_F(LiveLibraries, ASecondFileOfItsNameTakesAPoolFromNobody) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    fs::copy_file(fixture_library("version_2"), plugins_ / "live.so");
    EXPECT_TRUE(eventually([&] {
        return service_->status().at("supervisor").at("problems").dump().find("live.so") != std::string::npos;
    }));
    EXPECT_EQ(service_->run({"reload"}).out, "nothing changed\n");
    EXPECT_EQ(version(), "1.0.0");
    EXPECT_EQ(service_->workers("live"), before);
    fs::remove(file());  // then it is the only one
    EXPECT_TRUE(eventually([&] { return version() == "2.0.0"; })) << service_->log();
}

TEST_F(LiveLibraries, APoolThatClosesWhileAVersionIsTriedGoesOnWithThatOne) {
    put("version_1");
    start(
        "[defaults]\nworkers = 1\ncanary = { calls = 1000000, time = \"1h\" }\n"
        "restart = { intensity = 1, cooldown = \"1h\", backoff = { min = \"1ms\", max = \"1ms\" } }\n");
    put("version_2");
    const auto on_trial = [&] {
        const auto now = library();
        return now.contains("candidate") && now.at("candidate").at("state") == "trying";
    };
    ASSERT_TRUE(eventually(on_trial)) << service_->log();
    std::vector<pid_t> ended;
    const auto old_worker = [&]() -> pid_t {
        const auto status = service_->pool("live");
        const auto& candidate = status.at("library").value("candidate", Json::object());
        for (const auto& worker : status.at("workers"))
            if (worker.at("id") != candidate.value("worker", 0) && worker.at("state") == "idle")
                return worker.at("pid").get<pid_t>();
        return 0;
    };
    // The second end outside of calls is one too many.
    for (int ends = 0; ends < 2; ++ends) {
        pid_t pid = 0;
        ASSERT_TRUE(eventually([&] {
            pid = old_worker();
            return pid != 0 && std::ranges::find(ended, pid) == ended.end();
        })) << service_->log();
        ended.push_back(pid);
        ::kill(pid, SIGKILL);
    }
    await_version("2.0.0");
    service_->await_pool("live", "ready");
    EXPECT_EQ(version(), "2.0.0");
}

TEST_F(LiveLibraries, AVersionOnTrialIsTriedAgainAfterADrain) {
    put("version_1");
    start();
    put("version_2");
    ASSERT_TRUE(eventually([&] { return library().contains("candidate"); })) << service_->log();
    EXPECT_EQ(service_->run({"drain", "live"}).code, 0);
    service_->await_pool("live", "drained");
    EXPECT_EQ(service_->run({"resume", "live"}).code, 0);
    service_->await_pool("live", "ready");
    Load load{service_->socket(), "live.square"};
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
}

TEST_F(LiveLibraries, AVersionThatStandsStillIsNotTakenForItsAge) {
    put("version_1");
    start("[defaults]\nworkers = 1\nheartbeat = \"1h\"\ncanary = { calls = 5, time = \"2s\" }\n");
    put("version_2");
    Json candidate;
    ASSERT_TRUE(eventually([&] {
        candidate = library().value("candidate", Json::object());
        return candidate.value("state", "") == "trying";
    })) << service_->log();
    pid_t canary = 0;
    const auto status = service_->pool("live");
    for (const auto& worker : status.at("workers"))
        if (worker.at("id") == candidate.at("worker")) canary = worker.at("pid").get<pid_t>();
    ASSERT_GT(canary, 0) << service_->pool("live");
    ASSERT_EQ(::kill(canary, SIGSTOP), 0);
    EXPECT_TRUE(eventually([&] {
        candidate = library().value("candidate", Json::object());
        return candidate.empty() || candidate.at("since_s") > 4;
    }));
    EXPECT_EQ(library().at("version"), "1.0.0");
    EXPECT_FALSE(candidate.empty());
    ::kill(canary, SIGCONT);
    await_version("2.0.0");
}

TEST_F(LiveLibraries, OfAQuarantinedPoolIsTakenAtOnce) {
    put("version_refusing");
    start(
        "[defaults]\nworkers = 2\nrestart = { intensity = 2, cooldown = \"1h\", backoff = { min = \"1ms\", max = "
        "\"1ms\" } }\n");
    service_->await_pool("live", "quarantined");
    put("version_1");
    service_->await_pool("live", "ready");
    EXPECT_EQ(version(), "1.0.0");
    EXPECT_EQ(events("canary_started"), 0U);
}

TEST_F(LiveLibraries, MayBeOverwrittenWhileItIsLoaded) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    Load load{service_->socket(), "live.square"};
    load.await();
    write_file(file(), "");  // what would be the end of every process that has mapped the file
    load.await(2000);
    EXPECT_EQ(service_->workers("live"), before);
    overwrite("version_2");
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
    expect_all_ok();
    EXPECT_THAT(service_->crashes(), IsEmpty());
}

TEST_F(LiveLibraries, MayBeReplacedWhileTheyAreLookedAt) {
    put("version_1");
    start(quick, "settle = \"1ms\"\n");
    Load load{service_->socket(), "live.square"};
    for (int i = 0; i < 100; ++i) overwrite(i % 2 == 0 ? "version_2" : "version_1");
    overwrite("version_2");
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(version(), "2.0.0");
    expect_all_ok();
}

TEST_F(LiveLibraries, GoOnWhenTheirFolderIsAway) {
    put("version_1");
    start();
    const auto before = service_->workers("live");
    const auto away = plugins_.path().native() + "-away";
    fs::rename(plugins_.path(), away);
    EXPECT_TRUE(eventually([&] { return !service_->status().at("supervisor").at("problems").empty(); }));
    EXPECT_THAT(service_->status().at("supervisor").at("problems").dump(), HasSubstr("cannot be"));
    EXPECT_EQ(service_->workers("live"), before);
    EXPECT_EQ(version(), "1.0.0");
    const auto reload = service_->run({"reload"});
    EXPECT_EQ(reload.code, 0) << reload.err;
    EXPECT_EQ(service_->workers("live"), before);

    fs::rename(away, plugins_.path());
    EXPECT_TRUE(eventually([&] { return service_->status().at("supervisor").at("problems").empty(); }))
        << service_->status();
    put("version_1", "other");
    await_pool("other");
    EXPECT_EQ(service_->workers("live"), before);
}

TEST_F(LiveLibraries, OfASectionIsMissedAndHoldsUpNobody) {
    put("version_1");
    start(std::string{quick} + "[pool.live]\nworkers = 1\n");
    const auto before = service_->workers("live");
    fs::remove(file());
    put("version_1", "other");
    await_pool("other");
    EXPECT_THAT(service_->status().at("supervisor").at("problems").dump(), HasSubstr("there is no"));
    EXPECT_EQ(service_->workers("live"), before) << "it has its library in memory";
    EXPECT_EQ(version(), "1.0.0");
    put("version_2");
    Load load{service_->socket(), "live.square"};
    await_version("2.0.0");
    EXPECT_EQ(load.stop(), "");
}

TEST_F(LiveLibraries, ThatFindsOthersBesideItselfIsLoadedByItsPath) {
    fs::copy_file(fixture_library("beside"), file());
    fs::copy_file(fixture_folder() / "absent" / "libcaisson_absent.so", plugins_ / "libcaisson_absent.so");
    start("[pool.live]\nworkers = 1\n[pool.caisson_absent]\nenabled = false\n");
    service_->await_pool("live");
    EXPECT_EQ(library().at("loaded"), "path");
    EXPECT_THAT(library().at("by_path").get<std::string>(), HasSubstr("$ORIGIN"));
}

// The stack is resolved with the bytes that were loaded, whatever stands in the file now.
TEST_F(LiveLibraries, ACrashIsNamedByTheVersionThatCrashed) {
    fs::copy_file(chaos_library(), file());
    service_ = std::make_unique<Service>(
        Configuration{.pools = "[defaults]\nworkers = 1\n", .plugin_dir = plugins_.path(), .discover = true});
    overwrite("version_1");
    auto client = service_->client();
    const auto crash = document(call(client, "live.segv"));
    EXPECT_EQ(crash.at("stack").at(0).at("function"), "poke()") << crash.dump(2);
    EXPECT_THAT(crash.at("stack").at(0).at("file").get<std::string>(), HasSubstr("plugins/chaos/chaos.cpp"));
    EXPECT_EQ(crash.at("stack").at(0).at("module"), "liblive.so");
}

TEST_F(LiveLibraries, MayBeSwappedAgainAndAgainUnderLoad) {
    put("version_1");
    start("[defaults]\nworkers = 2\ncanary = { calls = 5, time = \"1h\" }\n", "settle = \"2ms\"\n");
    const auto supervisor = service_->pid();
    const int swaps = std::getenv("CAISSON_LONG") != nullptr ? 1000 : 60;
    Load load{service_->socket(), "live.square"};
    load.await();
    const auto descriptors = open_descriptors(supervisor);
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 1; i <= swaps && !HasFailure(); ++i) {
        put(i % 2 == 1 ? "version_2" : "version_1");
        await_version(i % 2 == 1 ? "2.0.0" : "1.0.0");
    }
    const auto took = std::chrono::steady_clock::now() - begun;
    const auto right = load.right();
    EXPECT_EQ(load.stop(), "");
    expect_all_ok();
    EXPECT_THAT(service_->crashes(), IsEmpty());
    EXPECT_TRUE(eventually([&] { return open_descriptors(supervisor) <= descriptors + 4; }))
        << open_descriptors(supervisor) << " descriptors, " << descriptors << " before";
    std::printf("%d swaps in %ld ms, %lu calls\n", swaps, static_cast<long>(took / 1ms), right);
}

}  // namespace
}  // namespace caisson::test
