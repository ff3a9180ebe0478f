// SPDX-License-Identifier: Apache-2.0
/// A configuration file that is edited while the service runs: what is good is taken over by itself, what is not
/// changes nothing and is said.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::string math_with(int workers, const std::string& more = {}) {
    return "[pool.math]\nworkers = " + std::to_string(workers) + "\n" + more;
}

/// One that watches, and is quick to look.
Configuration live(const std::string& pools, const std::string& service = {}) {
    return {.pools = pools, .service = "settle = \"20ms\"\n" + service, .watch = true};
}

void await_workers(const Service& service, std::size_t count) {
    EXPECT_TRUE(eventually([&] { return service.workers("math").size() == count; })) << service.log();
}

Json last_reload(const Service& service) { return service.status().at("supervisor").value("reload", Json::object()); }

/// Puts a file in the place of another, as editors and packages do.
void replace(const fs::path& file, std::string_view text) {
    write_file(file.native() + "~", text);
    fs::rename(file.native() + "~", file);
}

/// The lines of the log that tell of an event.
std::size_t events(const Service& service, const std::string& name) {
    const auto log = service.log();
    std::size_t count = 0;
    for (auto at = log.find("event=" + name); at != std::string::npos; at = log.find("event=" + name, at + 1)) ++count;
    return count;
}

TEST(LiveConfig, IsTakenOverWhenItIsWritten) {
    Service service{live(math_with(1))};
    const auto before = service.workers("math");
    Load load{service.socket()};
    service.configure(live(math_with(3)));
    await_workers(service, 3);
    EXPECT_THAT(service.workers("math"), Contains(before.at(0)));
    const auto reload = last_reload(service);
    EXPECT_EQ(reload.at("ok"), true);
    EXPECT_EQ(reload.at("source"), "file watch");
    EXPECT_THAT(reload.at("message").get<std::string>(), HasSubstr("pool math: workers 1 -> 3"));
    EXPECT_EQ(load.stop(), "");
}

TEST(LiveConfig, IsTakenOverWhenItIsReplaced) {
    Service service{live(math_with(1))};
    const auto text = read_file(service.config());
    for (const auto* const count : {"2", "3", "2"}) {
        auto next = text;
        next.replace(next.find("workers = 1"), 11, std::string{"workers = "} + count);
        replace(service.config(), next);
        await_workers(service, static_cast<std::size_t>(count[0] - '0'));
    }
}

// As Kubernetes does with its config maps: the file is a link through a link to a folder, and that link is swapped.
TEST(LiveConfig, IsTakenOverWhenALinkOnTheWayIsSwapped) {
    Service service{live(math_with(1))};
    const auto& folder = service.folder();
    const auto text = read_file(service.config());
    auto three = text;
    three.replace(three.find("workers = 1"), 11, "workers = 3");
    fs::create_directory(folder / "one");
    fs::create_directory(folder / "two");
    write_file(folder / "one" / "caisson.toml", text);
    write_file(folder / "two" / "caisson.toml", three);
    fs::create_directory_symlink("one", folder / "data");
    fs::create_symlink("data/caisson.toml", folder / "link");
    fs::rename(folder / "link", service.config());
    EXPECT_TRUE(eventually([&] { return last_reload(service).value("source", "") == "file watch"; }));

    fs::create_directory_symlink("two", folder / "data.new");
    fs::rename(folder / "data.new", folder / "data");
    await_workers(service, 3);
    // And what the link leads to now is watched.
    write_file(folder / "two" / "caisson.toml", text);
    await_workers(service, 1);
}

TEST(LiveConfig, ThatIsBadChangesNothingIsSaidAndForgottenWithTheNextGoodOne) {
    Service service{live(math_with(2))};
    const auto before = service.workers("math");
    service.configure(live("[pool.math]\nworkres = 8\n"));
    ASSERT_TRUE(eventually([&] { return last_reload(service).value("ok", true) == false; }));
    EXPECT_THAT(last_reload(service).at("message").get<std::string>(), HasSubstr("workres"));
    EXPECT_THAT(service.status().at("supervisor").at("problems").dump(), HasSubstr("was refused"));
    EXPECT_EQ(events(service, "reload_refused"), 1U);
    EXPECT_EQ(service.workers("math"), before);

    service.configure(live(math_with(3)));
    await_workers(service, 3);
    EXPECT_EQ(last_reload(service).at("ok"), true);
    EXPECT_THAT(service.status().at("supervisor").at("problems"), IsEmpty());
}

TEST(LiveConfig, ThatIsBeingWrittenIsNotReadByHalf) {
    const Folder plugins;
    fs::copy(plugin_folder() / "libmath.so", plugins.path());
    auto configuration = live("[pool.math]\nworkers = 1\n[defaults]\nworkers = 1\n");
    configuration.plugin_dir = plugins.path();
    configuration.discover = true;
    Service service{configuration};
    const auto before = service.workers("math");
    auto text = read_file(service.config());
    text.replace(text.find("workers = 1"), 11, "workers = 2");
    std::ofstream file{service.config(), std::ios::binary | std::ios::trunc};
    file << text.substr(0, text.find("[pool.math]")) << std::flush;  // good by itself, and without the pool
    // A library that comes meanwhile gets its pool, and the file is not looked at.
    fs::copy(plugin_folder() / "libtext.so", plugins.path());
    ASSERT_TRUE(eventually([&] { return service.status().at("pools").size() == 2; }));
    EXPECT_EQ(service.workers("math"), before);
    file << text.substr(text.find("[pool.math]")) << std::flush;
    file.close();
    await_workers(service, 2);
    EXPECT_EQ(events(service, "reload_refused"), 0U);
}

TEST(LiveConfig, OfTwoEditorsIsWhatTheLastOneWrote) {
    Service service{live(math_with(1))};
    const auto good = read_file(service.config());
    for (int i = 0; i < 20; ++i) {
        replace(service.config(), "[pool.math\nthe first editor is not done");
        auto next = good;
        next.replace(next.find("workers = 1"), 11, "workers = " + std::to_string(i % 4 + 1));
        write_file(service.config(), next);  // the second writes into the file that the first has put there
    }
    await_workers(service, 4);
    EXPECT_TRUE(eventually([&] { return last_reload(service).value("ok", false); }));
    EXPECT_THAT(service.status().at("supervisor").at("problems"), IsEmpty());
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
}

// As an editor leaves it on a full disk.
TEST(LiveConfig, ThatHasBecomeEmptyChangesNothing) {
    Service service{live(math_with(2))};
    const auto before = service.workers("math");
    const auto good = read_file(service.config());
    write_file(service.config(), "");
    EXPECT_TRUE(eventually([&] {
        return service.status().at("supervisor").at("problems").dump().find("is empty") != std::string::npos;
    })) << service.log();
    EXPECT_EQ(service.workers("math"), before);
    write_file(service.config(), good);
    EXPECT_TRUE(eventually([&] { return service.status().at("supervisor").at("problems").empty(); })) << service.log();
    EXPECT_EQ(service.workers("math"), before);
}

TEST(LiveConfig, InAStormIsReadAFewTimes) {
    Service service{{.pools = math_with(1), .service = "settle = \"200ms\"\n", .watch = true}};
    Load load{service.socket()};
    const auto begun = std::chrono::steady_clock::now();
    for (int i = 1; i <= 100; ++i) {
        service.configure({.pools = math_with(i % 2 + 2), .service = "settle = \"200ms\"\n", .watch = true});
        constexpr timespec pause{0, 10'000'000};
        ::nanosleep(&pause, nullptr);
    }
    await_workers(service, 2);
    EXPECT_TRUE(eventually([&] { return service.pool("math").at("target") == 2; }));
    // Never by half, and so only when the storm is over, or holds its breath: at most one a `settle`.
    const auto took = std::chrono::steady_clock::now() - begun;
    EXPECT_LE(events(service, "reloaded"), static_cast<std::size_t>(took / 200ms) + 1);
    EXPECT_THAT(service.log(), Not(HasSubstr("removed")));
    EXPECT_THAT(service.status().at("pools"), SizeIs(1));
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.pool("math").at("calls").at("refused"), 0);
}

TEST(LiveConfig, IsNotWatchedIfItSaysSo) {
    Service service{live(math_with(1))};
    auto blind = live(math_with(2));
    blind.watch = false;
    service.configure(blind);
    await_workers(service, 2);  // the file that says it was still seen
    service.configure(live(math_with(3)));
    const auto reload = service.run({"reload"});
    EXPECT_THAT(reload.out, HasSubstr("pool math: workers 2 -> 3"));
    EXPECT_THAT(reload.out, HasSubstr("service.watch false -> true"));
    service.configure(live(math_with(1)));
    await_workers(service, 1);
}

// A part of the start is before any handler can be there: the first moment that can be asked for is when the signal is
// held back.
TEST(LiveConfig, AHangUpDuringTheStartIsAReloadAfterIt) {
    Service service{{.pools = math_with(1)}};
    EXPECT_EQ(service.stop().code, 0);
    Program serve{{caisson_program().string(), "serve", "-c", service.config().string()},
                  {.folder = service.folder().path().string()}};
    const auto heeds_hangup = [&] {
        const auto status = read_file("/proc/" + std::to_string(serve.pid()) + "/status");
        for (const auto* const mask : {"SigBlk:\t", "SigCgt:\t"})
            if (const auto at = status.find(mask); at != std::string::npos)
                if ((std::stoull(status.substr(at + 8, 16), nullptr, 16) & 1U) != 0) return true;
        return false;
    };
    ASSERT_TRUE(eventually(heeds_hangup));
    for (int i = 0; i < 10; ++i) serve.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return service.run({"call", "math.square", "7"}).out == "49"; }));
    EXPECT_TRUE(serve.running());
    EXPECT_TRUE(eventually([&] { return last_reload(service).value("source", "") == "signal"; }));
    serve.signal(SIGTERM);
    EXPECT_EQ(serve.wait().code, 0);
    service.start();
}

TEST(LiveConfig, OfAServiceThatStopsIsRefused) {
    const Gate gate;
    Service service{{.pools = "[pool.ledger]\nworkers = 1\nplugin = \"" + fixture_library("ledger") + "\"\n"}};
    Program running{service.command({"call", "ledger.gate", gate.path()})};
    service.await_running("ledger", 1);
    service.signal(SIGTERM);
    service.await_state("stopping");
    const auto reload = service.run({"reload"});
    EXPECT_EQ(reload.code, 6);
    EXPECT_THAT(reload.err, HasSubstr("stopping"));
    service.signal(SIGHUP);
    EXPECT_TRUE(eventually([&] { return events(service, "reload_refused") == 2; })) << service.log();
    gate.open("through");
    EXPECT_EQ(running.wait().out, "through");
}

TEST(LiveConfig, ADryRunSaysWhatWouldChangeAndChangesNothing) {
    Service service{{.pools = math_with(1)}};
    const auto before = service.workers("math");
    EXPECT_EQ(service.run({"reload", "--dry-run"}).out, "nothing would change\n");
    service.configure({.pools = math_with(2, "[pool.math.env]\nA = \"1\"\n[pool.text]\nworkers = 1\n"),
                       .service = "crash_reports = 7\n"});
    const auto dry = service.run({"reload", "--dry-run"});
    EXPECT_EQ(dry.code, 0) << dry.err;
    EXPECT_THAT(dry.out, HasSubstr("service.crash_reports: needs a restart of the service"));
    EXPECT_THAT(dry.out, HasSubstr("pool math: workers 1 -> 2 (workers come or go; the others stay)"));
    EXPECT_THAT(dry.out, HasSubstr("pool math: env changed (its workers are replaced one by one)"));
    EXPECT_THAT(dry.out, HasSubstr("pool text: added, workers 1 (it starts)"));
    EXPECT_EQ(service.workers("math"), before);
    EXPECT_THAT(service.status().at("pools"), SizeIs(1));
    EXPECT_FALSE(service.status().at("supervisor").contains("reload"));

    service.configure({.pools = "[pool.math]\nworkres = 2\n"});
    const auto bad = service.run({"reload", "--dry-run"});
    EXPECT_EQ(bad.code, 6);
    EXPECT_THAT(bad.err, HasSubstr("workres"));
    EXPECT_THAT(service.log(), Not(HasSubstr("reload_refused")));
}

}  // namespace
}  // namespace caisson::test
