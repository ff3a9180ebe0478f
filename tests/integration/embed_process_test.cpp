// SPDX-License-Identifier: Apache-2.0
/// One call in a process of its own: start, join, pid, is_alive, exit code, terminate, kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <caisson/pool.hpp>
#include <csignal>

#include "support/eventually.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

ProcessOptions chaos(std::string method, Input input = {}) {
    return {.plugin = chaos_library(), .method = std::move(method), .input = std::move(input), .grace = 200ms};
}

/// From /proc.
bool ignores(pid_t pid, int signal) {
    const auto status = read_file("/proc/" + std::to_string(pid) + "/status");
    const auto line = status.find("SigIgn:");
    if (line == std::string::npos) return false;
    return (std::stoull(status.substr(line + 7), nullptr, 16) >> (signal - 1) & 1) != 0;
}

TEST(EmbeddedProcess, RunsOneCallAndEnds) {
    caisson::Process process{{.plugin = "hello", .method = "number", .input = 42}};
    EXPECT_EQ(process.pid(), 0);
    EXPECT_FALSE(process.is_alive());
    EXPECT_EQ(process.exit_code(), std::nullopt);
    process.start();
    EXPECT_GT(process.pid(), 0);
    EXPECT_NE(process.pid(), ::getpid());
    process.join();
    EXPECT_FALSE(process.is_alive());
    EXPECT_EQ(process.exit_code(), 0);
    const auto said = process.result<Json>();
    EXPECT_EQ(said["number"], 42);
    EXPECT_EQ(said["pid"], process.pid());
}

TEST(EmbeddedProcess, IsAliveWhileItRuns) {
    caisson::Process process{chaos("sleep", 60'000)};
    process.start();
    EXPECT_TRUE(process.is_alive());
    EXPECT_FALSE(process.join(50ms));
    EXPECT_EQ(process.exit_code(), std::nullopt);
    EXPECT_EQ(::kill(process.pid(), 0), 0);
    process.terminate();
    process.join();
    EXPECT_FALSE(process.is_alive());
    EXPECT_EQ(process.try_result<int>().error().outcome(), Outcome::cancelled);
    EXPECT_EQ(process.exit_code(), 1);  // the method gave up in order
}

TEST(EmbeddedProcess, HasAnExitCodeAsInPython) {
    const auto exit_code = [](const std::string& method) {
        caisson::Process process{chaos(method)};
        process.start();
        process.join();
        return process.exit_code();
    };
    EXPECT_EQ(exit_code("segv"), -SIGSEGV);
    EXPECT_EQ(exit_code("abort"), -SIGABRT);
    EXPECT_EQ(exit_code("kill_self"), -SIGKILL);
    EXPECT_EQ(exit_code("exit3"), 3);
    EXPECT_EQ(exit_code("exit0"), 1);  // its code says that all is well; its call says otherwise
    EXPECT_EQ(exit_code("throw"), 1);
}

TEST(EmbeddedProcess, EndsByForceIfItMust) {
    caisson::Process stubborn{chaos("ignore_term")};
    stubborn.start();
    EXPECT_TRUE(eventually([&] { return ignores(stubborn.pid(), SIGTERM); }));
    stubborn.terminate();
    EXPECT_TRUE(stubborn.join(patience));
    EXPECT_EQ(stubborn.exit_code(), -SIGKILL);

    caisson::Process spins{chaos("spin")};
    spins.start();
    spins.kill();
    EXPECT_TRUE(spins.join(patience));
    EXPECT_EQ(spins.exit_code(), -SIGKILL);
    EXPECT_EQ(spins.try_result<void>().error().outcome(), Outcome::cancelled);
}

TEST(EmbeddedProcess, HasACrashReport) {
    caisson::Process process{chaos("segv")};
    process.start();
    try {
        process.result<void>();
        FAIL() << "it crashed";
    } catch (const CallError& error) {
        EXPECT_EQ(error.failure().signal(), "SIGSEGV");
        EXPECT_THAT(error.failure().text(), HasSubstr("poke()"));
    }
    // Nobody came in its place.
    EXPECT_TRUE(eventually([&] { return descendants(::getpid()).size() == 1; }));
}

TEST(EmbeddedProcess, EndsWithItsOwner) {
    {
        caisson::Process process{chaos("spin")};
        process.start();
    }
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
}

TEST(EmbeddedProcess, MayShareAnEngine) {
    const Engine engine;
    std::vector<caisson::Process> processes;
    for (int n = 1; n <= 4; ++n) {
        processes.emplace_back(engine, ProcessOptions{.plugin = "hello", .method = "number", .input = n});
        processes.back().start();
    }
    std::vector<int> numbers;
    for (const auto& process : processes) numbers.push_back(process.result<Json>()["number"].get<int>());
    EXPECT_THAT(numbers, ::testing::ElementsAre(1, 2, 3, 4));
}

TEST(EmbeddedProcess, ThatCannotBeIsAnError) {
    caisson::Process twice{chaos("ok", 1)};
    EXPECT_THROW(twice.join(), PoolError);
    twice.start();
    EXPECT_THROW(twice.start(), PoolError);
    caisson::Process nosuch{chaos("nosuch")};
    EXPECT_THROW(nosuch.start(), PoolError);
    caisson::Process missing{{.plugin = "nosuch", .method = "ok"}};
    EXPECT_THROW(missing.start(), PoolError);
    caisson::Process takes_none{chaos("segv", 7)};
    EXPECT_THROW(takes_none.start(), PoolError);
    caisson::Process unnamed{{.plugin = "hello"}};
    EXPECT_THROW(unnamed.start(), PoolError);
}

}  // namespace
}  // namespace caisson::test
