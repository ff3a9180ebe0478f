// SPDX-License-Identifier: Apache-2.0
/// Plugins that cannot start or stop, and files that are no plugins: each is reported with its reason, none keeps the
/// others from their work, and none makes a storm of starts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

/// Starts are few, so that a pool is soon given up; it is not tried again within a test.
constexpr const char* strict_restarts = R"(
[defaults]
workers = 1
[defaults.restart]
intensity = 3
period = "1h"
cooldown = "1h"
[defaults.restart.backoff]
min = "1ms"
max = "10ms"
)";
/// What `intensity` allows, and the one that is too many.
constexpr int starts_until_quarantine = 4;

std::string chaos_pool(const std::string& more) {
    return "[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n" + more;
}

/// How often a worker of a pool has ended, by the log.
std::ptrdiff_t ends_in_log(const Service& service, const std::string& pool) {
    const auto text = service.log();
    const std::string line = "event=worker_ended pool=" + pool + " ";
    std::ptrdiff_t count = 0;
    for (auto at = text.find(line); at != std::string::npos; at = text.find(line, at + 1)) ++count;
    return count;
}

struct BadStart {
    std::string name;
    std::string pool;          ///< lines of [pool.chaos]
    std::string reason;        ///< a part of it
    std::string printed = {};  ///< a part of the crash report
};
void PrintTo(const BadStart& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.name;
}

class BadStarts : public testing::TestWithParam<BadStart> {};

TEST_P(BadStarts, IsQuarantinedAfterAFewStartsAndHarmsNobody) {
    const auto& row = GetParam();
    const Service service{
        {.pools = strict_restarts + std::string{"[pool.math]\nworkers = 2\n"} + chaos_pool(row.pool)}};
    const auto math = service.workers("math");
    Load load{service.socket()};
    service.await_pool("chaos", "quarantined");
    const auto pool = service.pool("chaos");
    EXPECT_THAT(pool.at("reason"), HasSubstr(row.reason));
    EXPECT_EQ(pool.at("restarts"), starts_until_quarantine - 1);

    const auto refused = service.run({"call", "chaos.ok", "1"});
    EXPECT_EQ(refused.code, 6);
    EXPECT_THAT(refused.err, HasSubstr("pool chaos is quarantined"));
    const auto document = Json::parse(service.run({"call", "chaos.ok", "1", "--json"}).out);
    EXPECT_EQ(document.at("reason"), pool.at("reason"));
    EXPECT_THAT(service.run({"status"}).out, HasSubstr(row.reason));
    // Each has its report, as soon as its stack is resolved, with what the plugin had to say.
    EXPECT_TRUE(eventually([&] { return service.crashes().size() == std::size_t{starts_until_quarantine}; }));
    const auto report = service.run({"crashes", service.crashes().at(0).at("report")});
    EXPECT_THAT(report.out, HasSubstr(row.printed));

    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_EQ(ends_in_log(service, "chaos"), starts_until_quarantine) << "a pool in quarantine starts nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Chaos, BadStarts,
    testing::Values(
        BadStart{"CrashInAStaticConstructor", "[pool.chaos.env]\nCAISSON_CHAOS_STATIC = \"1\"\n",
                 "did not start (load): died: SIGSEGV, address not mapped, at 0x0"},
        BadStart{"CrashAtCreate", "[pool.chaos.settings]\ncrash = \"create\"\n",
                 "did not start (create): died: SIGSEGV, address not mapped, at 0x0"},
        BadStart{"CreateFails", "[pool.chaos.settings]\ncrash = \"create_fails\"\n", "did not start (create)",
                 "chaos does not want to start"},
        BadStart{"CreateHangs",
                 "[pool.chaos.settings]\ncrash = \"create_hangs\"\n[pool.chaos.limits]\nstart_timeout = \"300ms\"\n",
                 "not ready after 300 ms (limits.start_timeout), it was at: create"}),
    [](const auto& test) { return test.param.name; });

TEST(BadPlugins, AQuarantinedPoolTriesAgainAfterItsCooldown) {
    const Folder folder;
    const std::string pools = "[pool.math]\nworkers = 1\n[pool.late]\nworkers = 2\nplugin = \"" +
                              (folder / "libhello.so").string() +
                              "\"\n[pool.late.restart]\nintensity = 1\ncooldown = \"200ms\"\n"
                              "[pool.late.restart.backoff]\nmin = \"1ms\"\nmax = \"1ms\"\n";
    write_file(folder / "libhello.so", "not yet");
    const Service service{{.pools = pools}};
    service.await_pool("late", "quarantined");
    std::filesystem::copy_file(plugin_folder() / "libhello.so", folder / "libhello.so.new");
    std::filesystem::rename(folder / "libhello.so.new", folder / "libhello.so");
    service.await_pool("late", "ready");
    EXPECT_EQ(service.run({"call", "late.number", "3"}).code, 0);
}

TEST(BadPlugins, ACrashAtDestroyIsReportedAndTheOthersStopWell) {
    Service service{{.pools = "[pool.math]\nworkers = 2\n[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() +
                              "\"\n[pool.chaos.settings]\ncrash = \"destroy\"\n"}};
    const auto math = service.workers("math");
    const auto chaos = service.workers("chaos");
    EXPECT_EQ(service.run({"resize", "chaos", "1"}).code, 0);
    ASSERT_TRUE(eventually([&] { return service.crashes().size() == 1; }));
    const auto crash = service.crashes().at(0);
    EXPECT_EQ(crash.at("pool"), "chaos");
    EXPECT_EQ(crash.at("exit").at("signal"), "SIGSEGV");
    EXPECT_FALSE(crash.contains("method"));
    EXPECT_EQ(service.workers("chaos"), std::vector{chaos[0]});
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_EQ(service.pool("chaos").at("state"), "ready") << "a crash at the end that was asked for closes no pool";
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_THAT(service.log(), HasSubstr("event=worker_ended pool=chaos worker=1"));
}

struct Fixture {
    std::string file;
    std::string said;
};

/// What has a pool says why it is closed.
const std::vector<Fixture>& closed_pools() {
    static const std::vector<Fixture> rows{
        {"empty", "the file is empty"},
        {"text", "it is a text file, not a shared library"},
        {"truncated", "the file is truncated"},
        {"truncated_header", "the file is truncated: its ELF header"},
        {"arm32", "it is built for 32-bit ARM"},
        {"big_endian", "big-endian"},
        {"other_machine", "it is built for 64-bit RISC-V"},
        {"no_symbol", "it does not export caisson_plugin_entry"},
        {"mangled", "declare it extern \"C\""},
        {"missing_dependency", "libcaisson_absent.so"},
        {"undefined_symbol", "nowhere::to_be_found(int), which nothing defines"},
        {"wrong_abi", "the plugin speaks ABI 99.7, this worker 1.0"},
        {"null_descriptor", "its entry returned a null pointer"},
        {"small_descriptor", "it says it has 24 bytes"},
        {"null_name", "method 0 has no name"},
        {"duplicate_method", "two methods are named twice"},
        {"bad_method_name", "is not made of"},
        {"too_many_methods", "it lists 4294967295 methods"},
        {"create_refuses", "create"},
        {"crash_at_load", "did not start (load): died: SIGILL"},
        {"throws_at_load", "did not start (load)"},
    };
    return rows;
}
/// What gets no pool is said at once.
const std::vector<Fixture>& no_pools() {
    static const std::vector<Fixture> rows{
        {"directory.so", "is a directory, not a library"},
        {"fifo.so", "is a fifo, not a library"},
        {"dangling.so", "points to nothing"},
    };
    return rows;
}

TEST(BadPlugins, AFolderFullOfThemStopsNoGoodOne) {
    const Folder plugins;
    std::filesystem::copy(plugin_folder() / "libmath.so", plugins.path());
    std::size_t broken = 0;
    for (const auto& entry : std::filesystem::directory_iterator(fixture_folder() / "broken")) {
        std::filesystem::create_symlink(entry.path(), plugins.path() / entry.path().filename());
        ++broken;
    }
    for (const auto* const name : {"create_refuses", "crash_at_load", "throws_at_load"})
        std::filesystem::create_symlink(fixture_library(name), plugins / (std::string{name} + ".so"));
    EXPECT_EQ(broken + 3, closed_pools().size() + no_pools().size()) << "a fixture is in none of the tables";

    const Service service{{.pools = strict_restarts, .plugin_dir = plugins.path(), .discover = true}};
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    const auto math = service.workers("math");
    for (const auto& [name, said] : closed_pools()) {
        service.await_pool(name, "quarantined");
        EXPECT_THAT(service.pool(name).at("reason"), HasSubstr(said)) << name;
    }
    const auto status = service.status();
    const auto problems = status.at("supervisor").at("problems").dump();
    for (const auto& [file, said] : no_pools()) EXPECT_THAT(problems, HasSubstr(file + ": " + said));
    EXPECT_EQ(status.at("pools").size(), closed_pools().size() + 1);
    EXPECT_EQ(service.run({"call", "math.square", "8"}).out, "64");
    EXPECT_EQ(service.workers("math"), math);
    EXPECT_EQ(service.run({"reload"}).code, 0) << "a library that is none does not keep the others from a reload";
}

}  // namespace
}  // namespace caisson::test
