// SPDX-License-Identifier: Apache-2.0
// The start of the real worker: what it says when it cannot, and the walls it puts up.
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "host/landlock.hpp"
#include "unit/host/worker_process.hpp"

namespace caisson::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using wire::SetupStep;
using wire::Type;

/// What a start says that fails.
json refusal(WorkerProcess& worker) {
    const auto message = worker.receive();
    if (!message) return "nothing was said";
    EXPECT_EQ(message->header.type, Type::failed);
    const int status = worker.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 3);
    return json::parse(message->head);
}

std::string status_line(pid_t pid, const std::string& key) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/status"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with(key + ":")) return line.substr(key.size() + 2);
    }
    return "?";
}

TEST(WorkerStart, OffersThePlugin) {
    WorkerProcess worker;
    worker.setup("probe");
    const auto ready = worker.receive();
    ASSERT_TRUE(ready);
    const json offer = json::parse(ready->head);
    EXPECT_EQ(offer["name"], "probe");
    EXPECT_EQ(offer["version"], "1.0.0");
    EXPECT_EQ(offer["abi"], "1.0");
    EXPECT_EQ(offer["methods"][0]["name"], "echo");
    EXPECT_EQ(worker.box().step.load(), static_cast<std::uint32_t>(SetupStep::done));
    EXPECT_EQ(worker.box().activity.load(), static_cast<std::uint32_t>(wire::Activity::idle));
}

TEST(WorkerStart, HandsOverSettings) {
    WorkerProcess worker;
    worker.start("probe", {{"settings", {{"answer", 42}}}});
    EXPECT_EQ(worker.call(1, "settings").body, R"({"answer":42})");
}

TEST(WorkerStart, NamesTheStepThatFailed) {
    WorkerProcess load;
    load.setup("/no/such/plugin.so");
    const json no_file = refusal(load);
    EXPECT_EQ(no_file["step"], "load");
    EXPECT_EQ(no_file["message"], "there is no file /no/such/plugin.so");
    EXPECT_EQ(load.box().step.load(), static_cast<std::uint32_t>(SetupStep::load));

    WorkerProcess create;
    create.setup("create_refuses");
    const json refused = refusal(create);
    EXPECT_EQ(refused["step"], "create");
    EXPECT_THAT(refused["message"], HasSubstr("create() returned unavailable"));
}

TEST(WorkerStart, ACrashInAStaticConstructorIsInTheLoad) {
    WorkerProcess worker;
    worker.setup("crash_at_load");
    EXPECT_FALSE(worker.receive());
    EXPECT_TRUE(WIFSIGNALED(worker.wait()));
    EXPECT_EQ(worker.box().step.load(), static_cast<std::uint32_t>(SetupStep::load));
    EXPECT_EQ(worker.box().crash.progress.load(), static_cast<std::uint32_t>(wire::CrashProgress::stack_recorded));
    EXPECT_EQ(worker.box().crash.running, 0U);
    EXPECT_THAT(worker.box().crash.modules[0], HasSubstr("crash_at_load.so"));
}

TEST(WorkerStart, AnExceptionInAStaticConstructorFailsTheLoad) {
    // dlopen() is declared not to throw: the compiler decides between a refusal and an abort.
    WorkerProcess worker;
    worker.setup("throws_at_load");
    const auto message = worker.receive();
    const int status = worker.wait();
    EXPECT_EQ(worker.box().step.load(), static_cast<std::uint32_t>(SetupStep::load));
    if (message) {
        EXPECT_THAT(message->head, HasSubstr("an exception left a static constructor: no licence found"));
        EXPECT_EQ(WEXITSTATUS(status), 3);
    } else {
        EXPECT_TRUE(WIFSIGNALED(status));
        EXPECT_EQ(worker.box().crash.signal, SIGABRT);
    }
}

TEST(WorkerStart, ACrashAfterTheStopIsRecordedOutsideCalls) {
    WorkerProcess worker;
    worker.start("crash_at_exit");
    worker.add({.type = Type::stop});
    worker.send();
    EXPECT_TRUE(WIFSIGNALED(worker.wait()));
    EXPECT_EQ(worker.box().activity.load(), static_cast<std::uint32_t>(wire::Activity::stopping));
    EXPECT_EQ(worker.box().crash.running, 0U);
    EXPECT_NE(worker.box().crash.signal, 0);
}

TEST(WorkerStart, PutsUpItsWalls) {
    WorkerProcess worker;
    worker.start("probe", {{"limits", {{"files", 33}, {"processes", 1000}, {"file_size", 4096}}}});
    EXPECT_EQ(::getsid(worker.pid()), worker.pid());
    EXPECT_EQ(status_line(worker.pid(), "NoNewPrivs"), "1");
    EXPECT_EQ(status_line(worker.pid(), "SigBlk"), "0000000000000000");
    EXPECT_EQ(status_line(worker.pid(), "Umask"), "0077");
    EXPECT_EQ(status_line(worker.pid(), "Name"), "test/1");
    std::ifstream limits{"/proc/" + std::to_string(worker.pid()) + "/limits"};
    if (::geteuid() == 0) {
        const std::string text{std::istreambuf_iterator<char>{limits}, {}};
        EXPECT_THAT(text, testing::ContainsRegex("Max open files +33 "));
        EXPECT_THAT(text, testing::ContainsRegex("Max file size +4096 "));
        EXPECT_THAT(text, testing::ContainsRegex("Max processes +1000 "));
        EXPECT_THAT(text, testing::ContainsRegex("Max core file size +0 "));
    }
}

TEST(WorkerStart, NoIsolationMeansNoWalls) {
    WorkerProcess worker;
    worker.start("probe", {{"isolation", "none"}});
    EXPECT_EQ(status_line(worker.pid(), "NoNewPrivs"), "0");
    EXPECT_EQ(worker.call(1, "signal_parent").body, "allowed");
}

TEST(WorkerStart, CannotSignalOutsiders) {
    if (host::landlock_abi() < host::landlock_abi_with_scopes) GTEST_SKIP() << "this kernel has no Landlock scopes";
    WorkerProcess worker;
    worker.start("probe");
    EXPECT_EQ(worker.call(1, "signal_parent").body, "denied");
}

TEST(WorkerStart, EndsWithoutItsKeeper) {
    // The test is the parent, and another process is said to be.
    WorkerProcess worker{1};
    worker.setup("probe");
    const int status = worker.wait();
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 5);
    EXPECT_TRUE(worker.leftovers().empty());
}

TEST(WorkerStart, IsNotForHands) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::execl(CAISSON_WORKER, "caisson-worker", "test/1", "not-a-pid", nullptr);
        ::_exit(127);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 2);
}

}  // namespace
}  // namespace caisson::test
