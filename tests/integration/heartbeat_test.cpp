// SPDX-License-Identifier: Apache-2.0
/// Workers that do not get to run are found; nothing else is taken for one, whatever happens to clocks and to the
/// service itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string chaos_with(int workers, const std::string& heartbeat, const std::string& more = {}) {
    return "[pool.chaos]\nworkers = " + std::to_string(workers) + "\nheartbeat = \"" + heartbeat + "\"\nplugin = \"" +
           chaos_library() + "\"\n" + more;
}

std::vector<pid_t> await_workers(const Service& service, std::string_view pool, std::size_t count) {
    std::vector<pid_t> pids;
    EXPECT_TRUE(eventually([&] { return (pids = service.workers(pool)).size() == count; })) << service.pool(pool);
    return pids;
}

/// The end of the one call that a client has.
CallResult result_of(Client& client) {
    const auto event = client.next(patience);
    if (!event || !*event) throw std::runtime_error("the call did not end");
    return std::get<Done>(**event).result;
}

TEST(Heartbeat, AnIdleWorkerThatIsStoppedIsReplaced) {
    const Service service{{.pools = chaos_with(2, "300ms")}};
    const auto before = service.workers("chaos");
    ASSERT_EQ(::kill(before[0], SIGSTOP), 0);
    EXPECT_TRUE(eventually([&] {
        const auto now = service.workers("chaos");
        return now.size() == 2 && std::ranges::count(now, before[0]) == 0;
    })) << service.pool("chaos");
    EXPECT_EQ(std::ranges::count(service.workers("chaos"), before[1]), 1);
    service.await_log("no heartbeat for 300ms, a signal had stopped it");
}

TEST(Heartbeat, ACallWhoseWorkerStopsItselfEndsAsCrashed) {
    const Service service{{.pools = chaos_with(1, "300ms")}};
    auto client = service.client();
    const auto result = call(client, "chaos.sigstop_self", {}, {}, 0ms);
    EXPECT_EQ(summary(result), "crashed killed");
    EXPECT_THAT(document(result).dump(), HasSubstr("no heartbeat for 300ms"));
    EXPECT_EQ(call(client, "chaos.ok", "7").output, "7");
}

TEST(Heartbeat, OneThatGoesOnInTimeKeepsItsCall) {
    const Service service{{.pools = chaos_with(1, "1min")}};
    const auto worker = service.workers("chaos");
    auto client = service.client();
    ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("50")}));
    ASSERT_TRUE(client.flush());
    service.await_running("chaos", 1);
    ASSERT_EQ(::kill(worker[0], SIGSTOP), 0);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).at("state") == "paused"; }));
    ASSERT_EQ(::kill(worker[0], SIGCONT), 0);
    EXPECT_EQ(summary(result_of(client)), "ok");
    service.await_pool("chaos");
    EXPECT_EQ(service.workers("chaos"), worker);
}

// Nobody tells of this stop: the heart alone is missed. So it is with a process that is frozen.
TEST(Heartbeat, IsMissedWithoutBeingToldOfAStop) {
    const Service service{{.pools = chaos_with(1, "1500ms")}};
    const Watched worker{service.workers("chaos").at(0)};
    auto client = service.client();
    ASSERT_TRUE(client.submit({.target = "chaos.spin", .timeout = 0ms}));
    ASSERT_TRUE(client.flush());
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).contains("running_s"); }));
    const auto keeper = service.keeper();
    ASSERT_EQ(::kill(keeper, SIGSTOP), 0);
    ASSERT_EQ(::kill(worker.pid(), SIGSTOP), 0);
    EXPECT_TRUE(worker.gone_within());
    ASSERT_EQ(::kill(keeper, SIGCONT), 0);
    const auto result = result_of(client);
    EXPECT_EQ(summary(result), "crashed killed");
    EXPECT_THAT(document(result).dump(), HasSubstr("it did not get to run"));
}

TEST(Heartbeat, IsNotMissedInACallThatNeverLooksUp) {
    const Service service{
        {.pools = chaos_with(2, "1s", "stop.grace = \"50ms\"\n") + "[pool.math]\nworkers = 1\nheartbeat = \"1s\"\n"}};
    auto client = service.client();
    // Three times as long as the heartbeat: a deadline ends them, and nothing before it.
    for (const auto* const target : {"chaos.spin", "chaos.deadlock"})
        EXPECT_EQ(summary(call(client, target, {}, {}, 3000ms)), "timed_out running killed") << target;
    const auto rested = service.workers("math");
    EXPECT_EQ(call(client, "math.square", "7").output, "49") << "after some heartbeats without a call";
    EXPECT_EQ(service.workers("math"), rested);
    EXPECT_THAT(service.log(), testing::Not(HasSubstr("no heartbeat")));
}

TEST(Heartbeat, OfZeroLeavesItToTheDeadline) {
    const Service service{{.pools = chaos_with(1, "0", "stop.grace = \"50ms\"\n")}};
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.sigstop_self", {}, {}, 1000ms)), "timed_out running killed");
    EXPECT_THAT(service.log(), testing::Not(HasSubstr("no heartbeat")));
}

TEST(Heartbeat, OfACopyOfAZygote) {
    const Service service{{.pools = chaos_with(1, "300ms", "start = \"zygote\"\n")}};
    auto client = service.client();
    EXPECT_EQ(summary(call(client, "chaos.sigstop_self", {}, {}, 0ms)), "crashed killed");
    EXPECT_EQ(summary(call(client, "chaos.sleep", "1000")), "ok");
    EXPECT_TRUE(service.pool("chaos").contains("zygote")) << "it has stayed single-threaded";
}

TEST(Heartbeat, IsNotJudgedUnderADebugger) {
    const Service service{{.pools = chaos_with(1, "200ms", "isolation = { level = \"none\", really_none = true }\n") +
                                    "[pool.judged]\nworkers = 1\nheartbeat = \"400ms\"\nplugin = \"" + chaos_library() +
                                    "\"\n"}};
    const auto worker = service.workers("chaos");
    ASSERT_EQ(::kill(worker[0], SIGSTOP), 0);
    EXPECT_TRUE(eventually([&] { return service.pool("chaos").at("workers").at(0).at("state") == "paused"; }));
    // Another that is stopped later, and has longer, is gone, and this one is not.
    const Watched judged{service.workers("judged").at(0)};
    ASSERT_EQ(::kill(judged.pid(), SIGSTOP), 0);
    EXPECT_TRUE(judged.gone_within());
    EXPECT_EQ(service.pool("chaos").at("workers").at(0).at("pid"), worker[0]);
    ASSERT_EQ(::kill(worker[0], SIGCONT), 0);
    service.await_pool("chaos");
    EXPECT_EQ(service.workers("chaos"), worker);
}

// ---- the whole service ----------------------------------------------------------------------------------------------

/// How long the service is stopped: a few seconds, or what CAISSON_PAUSE_S says.
std::chrono::seconds pause_length() {
    const char* const said = std::getenv("CAISSON_PAUSE_S");
    return std::chrono::seconds{said != nullptr ? std::atoi(said) : 3};
}

/// Real time must pass here: it is what the test is about.
void let_pass(std::chrono::seconds time) { ::poll(nullptr, 0, static_cast<int>(time.count() * 1000)); }

class WholeService : public testing::Test {
   protected:
    Service service_{
        {.pools = chaos_with(3, "1s", "stop.grace = \"200ms\"\n") + "[pool.math]\nworkers = 2\nheartbeat = \"1s\"\n"}};
    std::vector<pid_t> chaos_ = await_workers(service_, "chaos", 3);
    std::vector<pid_t> math_ = await_workers(service_, "math", 2);
    Load load_{service_.socket()};
    Client client_ = service_.client();

    void SetUp() override {
        ASSERT_TRUE(client_.submit({.target = "chaos.sleep", .body = wire::bytes_of("1500"), .timeout = 0ms}));
        ASSERT_TRUE(client_.submit({.target = "chaos.spin", .timeout = 1000ms}));
        ASSERT_TRUE(client_.flush());
        EXPECT_TRUE(eventually([&] {
            const auto workers = service_.pool("chaos").at("workers");
            return std::ranges::count_if(workers, [](const Json& worker) { return worker.contains("running_s"); }) == 2;
        }));
        load_.await();
    }
    void pause(bool workers_go_on_first) {
        auto all = descendant_pids(service_.pid());  // keeper and workers
        all.insert(all.begin(), service_.pid());
        for (const auto pid : all) ASSERT_EQ(::kill(pid, SIGSTOP), 0);
        let_pass(pause_length());
        if (workers_go_on_first) std::ranges::reverse(all);
        for (const auto pid : all) ASSERT_EQ(::kill(pid, SIGCONT), 0);
    }
    void expect_no_harm() {
        std::vector<std::string> ends{summary(result_of(client_)), summary(result_of(client_))};
        EXPECT_THAT(ends, testing::UnorderedElementsAre("ok", "timed_out running killed"))
            << "the deadline was not lost";
        load_.await();
        EXPECT_EQ(load_.stop(), "");
        EXPECT_EQ(service_.workers("math"), math_);
        EXPECT_THAT(service_.log(), testing::Not(HasSubstr("no heartbeat")));
        // Whoever was ended was so for its call.
        const auto now = await_workers(service_, "chaos", 3);
        EXPECT_EQ(std::ranges::count_if(now, [&](pid_t pid) { return std::ranges::count(chaos_, pid) > 0; }), 2);
    }
};

TEST_F(WholeService, StoppedForAWhileKillsNobodyAndLosesNoDeadline) {
    pause(false);
    expect_no_harm();
}

TEST_F(WholeService, StoppedForAWhileAndWokenFromBelowDoesTheSame) {
    pause(true);
    expect_no_harm();
}

#if !defined(CAISSON_SANITIZED)  // their runtimes want to be loaded first
class TimeOfDay : public testing::Test {
   protected:
    Folder folder_;
    std::string file_ = [this] {
        const auto file = (folder_ / "shift").string();
        write_file(file, std::string(sizeof(std::int64_t), '\0'));
        return file;
    }();
    Service service_{{.pools = chaos_with(2, "500ms", "stop.grace = \"200ms\"\n") +
                               "[pool.math]\nworkers = 2\nheartbeat = \"500ms\"\n",
                      .environment = {"LD_PRELOAD=" CAISSON_SHIFTED_CLOCK, "CAISSON_CLOCK_SHIFT=" + file_}}};

    void shift(std::chrono::hours by) {
        const std::int64_t by_ns = std::chrono::nanoseconds{by}.count();
        const Fd file{::open(file_.c_str(), O_RDWR | O_CLOEXEC)};
        ASSERT_EQ(::pwrite(file.get(), &by_ns, sizeof by_ns, 0), static_cast<ssize_t>(sizeof by_ns));
    }
    /// The hour of the supervisor's clock, as its last report says, beside that of this program.
    [[nodiscard]] double hours_ahead() {
        tm there{};
        const auto report = service_.crashes().at(0).at("time").get<std::string>();
        ::strptime(report.c_str(), "%Y-%m-%dT%H:%M:%S", &there);
        return std::difftime(::timegm(&there), std::time(nullptr)) / 3600;
    }
};

TEST_F(TimeOfDay, SetAnHourForwardAndBackChangesNothing) {
    const auto math = service_.workers("math");
    Load load{service_.socket()};
    for (const auto by : {1h, -1h, 0h}) {
        load.await();
        auto running = service_.client();
        auto hanging = service_.client();
        ASSERT_TRUE(running.submit({.target = "chaos.sleep", .body = wire::bytes_of("900"), .timeout = 30'000ms}));
        ASSERT_TRUE(hanging.submit({.target = "chaos.spin", .timeout = 700ms}));
        ASSERT_TRUE(running.flush() && hanging.flush());
        service_.await_running("chaos", 2);
        shift(by);
        EXPECT_EQ(summary(result_of(hanging)), "timed_out running killed");
        EXPECT_EQ(summary(result_of(running)), "ok");
        // It is the supervisor's time that has changed, or nothing was shown.
        auto client = service_.client();
        EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
        EXPECT_NEAR(hours_ahead(), static_cast<double>(by.count()), 0.2);
        await_workers(service_, "chaos", 2);
    }
    load.await();
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service_.workers("math"), math);
    EXPECT_THAT(service_.log(), testing::Not(HasSubstr("no heartbeat")));
}
#endif

}  // namespace
}  // namespace caisson::test
