// SPDX-License-Identifier: Apache-2.0
/// Whatever a plugin does, exactly its own call ends as it must, and nobody else notices. Every method of chaos runs
/// while math works under load from another session.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

/// What becomes of a worker that ran a method.
enum class Worker {
    lives,     ///< takes the next call
    replaced,  ///< ends, in the call or soon after it
};

struct Misbehaviour {
    std::string method;
    std::string expected;  ///< as `summary` says it
    Worker worker = Worker::lives;
    std::string body = {};
    std::string message = {};  ///< a part of the outcome's message
    bool hangs = false;        ///< gets a deadline

    [[nodiscard]] bool crashes() const { return expected.starts_with("crashed"); }
};
void PrintTo(const Misbehaviour& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.method;
}

constexpr auto replaced = Worker::replaced;
const std::vector<Misbehaviour>& misbehaviours() {
    static const std::vector<Misbehaviour> rows{
        // Good conduct, so that the table has every method.
        {.method = "ok", .expected = "ok", .body = "1"},
        {.method = "echo", .expected = "ok", .body = "text"},
        {.method = "sleep", .expected = "ok", .body = "10"},
        {.method = "say", .expected = "ok", .body = "text"},
        {.method = "pour", .expected = "ok"},
        {.method = "fail", .expected = "failed internal", .message = "failed, as asked"},
        // Deaths.
        {.method = "segv",
         .expected = "crashed signaled SIGSEGV",
         .worker = replaced,
         .message = "SIGSEGV, address not mapped, at 0x0"},
        {.method = "abort", .expected = "crashed signaled SIGABRT", .worker = replaced, .message = "SIGABRT, abort"},
        {.method = "div0", .expected = "crashed signaled SIGFPE", .worker = replaced, .message = "SIGFPE"},
        {.method = "stack_overflow", .expected = "crashed signaled SIGSEGV", .worker = replaced, .message = "SIGSEGV"},
        {.method = "kill_self", .expected = "crashed signaled SIGKILL", .worker = replaced, .message = "SIGKILL"},
        {.method = "exit0", .expected = "crashed exited 0", .worker = replaced, .message = "in the middle of the call"},
        {.method = "exit3", .expected = "crashed exited 3", .worker = replaced, .message = "exited with code 3"},
        {.method = "quick_exit0", .expected = "crashed exited 0", .worker = replaced},
        {.method = "second_thread_segv", .expected = "crashed signaled SIGSEGV", .worker = replaced},
        {.method = "crash_while_writing", .expected = "crashed signaled SIGSEGV", .worker = replaced},
        {.method = "throw", .expected = "failed internal", .message = "thrown, as asked"},
        {.method = "throw_int", .expected = "failed internal", .message = "not a std::exception"},
        {.method = "throw_what", .expected = "failed internal", .message = "what() throws"},
        // Hangs.
        {.method = "spin", .expected = "timed_out running killed", .worker = replaced, .hangs = true},
        {.method = "deadlock", .expected = "timed_out running killed", .worker = replaced, .hangs = true},
        {.method = "sigstop_self", .expected = "timed_out running killed", .worker = replaced, .hangs = true},
        {.method = "ignore_term", .expected = "timed_out running killed", .worker = replaced, .hangs = true},
        // Hunger.
        {.method = "oom", .expected = "crashed signaled SIGABRT", .worker = replaced, .body = "4096"},
        {.method = "fds", .expected = "failed unavailable", .message = "files, then"},
        {.method = "fork_bomb", .expected = "ok"},
        {.method = "daemonize", .expected = "ok"},
        {.method = "flood_stdout", .expected = "ok", .body = "8388608"},
        {.method = "close_fds", .expected = "ok", .worker = replaced},
        // Lies.
        {.method = "close_socket",
         .expected = "crashed protocol_error",
         .worker = replaced,
         .message = "closed its socket and ran on"},
        {.method = "garbage_frames",
         .expected = "crashed protocol_error",
         .worker = replaced,
         .message = "broke the protocol"},
        {.method = "huge_frame", .expected = "crashed protocol_error", .worker = replaced},
        {.method = "partial_frame", .expected = "timed_out running killed", .worker = replaced, .hangs = true},
        {.method = "wrong_call_id",
         .expected = "crashed protocol_error",
         .worker = replaced,
         .message = "a call that it does not run"},
        {.method = "double_reply", .expected = "ok", .worker = replaced},
    };
    return rows;
}

Configuration configuration() {
    return {.pools = R"(
[defaults.stop]
grace = "100ms"
[pool.math]
workers = 2
[pool.chaos]
workers = 2
plugin = ")" + chaos_library() +
                     R"("
poison = { crashes = 0 }
[pool.chaos.limits]
memory = "256MiB"
files = 256
)"};
}

class CrashIsolation : public testing::TestWithParam<Misbehaviour> {
   protected:
    void SetUp() override {
#if defined(CAISSON_SANITIZED)
        if (GetParam().method == "oom") GTEST_SKIP() << "a sanitizer's shadow memory allows no limit of memory";
#endif
    }

    /// Every worker of chaos serves, and none that is in `not_these`.
    void await_chaos(const std::set<pid_t>& not_these) const {
        std::vector<pid_t> now;
        const bool whole = eventually([&] {
            now = service_.workers("chaos");
            return now.size() == 2 && std::ranges::none_of(now, [&](pid_t pid) { return not_these.contains(pid); });
        });
        EXPECT_TRUE(whole) << service_.pool("chaos");
    }

    /// The workers of chaos, and whatever they have made.
    [[nodiscard]] std::vector<pid_t> brood() const {
        std::vector<pid_t> pids;
        for (const pid_t worker : service_.workers("chaos"))
            std::ranges::copy(descendant_pids(worker), back_inserter(pids));
        return pids;
    }

    Service service_{configuration()};
};

TEST_P(CrashIsolation, HarmsNobodyElse) {
    const auto& row = GetParam();
    const auto math_before = service_.workers("math");
    const auto chaos_before = service_.workers("chaos");
    const auto keeper_before = service_.keeper();
    auto bystander = service_.client();
    Load load{service_.socket()};
    load.await();

    auto client = service_.client();
    const auto timeout = row.hangs ? std::optional{300ms} : std::nullopt;
    const auto result = call(client, "chaos." + row.method, row.body, {}, timeout);
    EXPECT_EQ(summary(result), row.expected) << result.json;
    EXPECT_THAT(result.message, HasSubstr(row.message));

    // The same session and the same pool are usable at once, whatever became of the worker.
    for (const auto* const number : {"1", "2", "3", "4"}) EXPECT_EQ(call(client, "chaos.ok", number).output, number);
    EXPECT_EQ(call(bystander, "math.square", "12").output, "144");
    load.await();

    if (row.worker == replaced) {
        std::set<pid_t> gone;
        ASSERT_TRUE(eventually([&] {
            gone.clear();
            const auto now = service_.workers("chaos");
            std::ranges::copy_if(chaos_before, std::inserter(gone, gone.end()),
                                 [&](pid_t pid) { return std::ranges::count(now, pid) == 0; });
            return !gone.empty();
        })) << "its worker was not replaced";
        EXPECT_EQ(gone.size(), 1U);
        await_chaos(gone);
    } else {
        EXPECT_EQ(service_.workers("chaos"), chaos_before);
    }
    if (row.crashes()) {
        const auto id = document(result).at("report").get<std::string>();
        const auto crashes = service_.crashes();
        EXPECT_EQ(std::ranges::count_if(crashes, [&](const Json& crash) { return crash.at("report") == id; }), 1);
        EXPECT_THAT(service_.run({"crashes", id}).out, HasSubstr("chaos." + row.method + " crashed"));
    }

    // What it left behind ends with its worker.
    const auto left_behind = watch_all(brood());
    const std::set<std::string> makers{"fork_bomb", "daemonize"};
    EXPECT_EQ(left_behind.empty(), !makers.contains(row.method));
    if (!left_behind.empty()) {
        for (const pid_t worker : chaos_before) ::kill(worker, SIGKILL);
        EXPECT_THAT(left_after(left_behind, patience), testing::IsEmpty());
        await_chaos({chaos_before.begin(), chaos_before.end()});
    }

    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(service_.workers("math"), math_before);
    EXPECT_EQ(service_.keeper(), keeper_before);
    EXPECT_EQ(service_.status().at("supervisor").at("pid"), service_.pid());
    EXPECT_THAT(zombies(service_.pid()), testing::IsEmpty());
    for (const auto* const other : {"crashed", "failed", "timed_out", "cancelled", "refused"})
        EXPECT_EQ(service_.pool("math").at("calls").at(other), 0) << other;
}

INSTANTIATE_TEST_SUITE_P(Chaos, CrashIsolation, testing::ValuesIn(misbehaviours()),
                         [](const auto& test) { return test.param.method; });

TEST(CrashIsolationTable, HasEveryMethodOfChaos) {
    const Service service{configuration()};
    std::set<std::string> offered;
    std::set<std::string> tried;
    const auto methods = service.pool("chaos").at("methods");
    for (const auto& method : methods) offered.insert(method.at("name"));
    for (const auto& row : misbehaviours()) tried.insert(row.method);
    EXPECT_EQ(offered, tried);
}

TEST(CrashReport, NamesTheFunctionTheFileAndTheLine) {
    const Service service{configuration()};
    const auto ended = service.run({"call", "chaos.segv"});
    EXPECT_EQ(ended.code, 4);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err,
                testing::MatchesRegex("caisson: chaos.segv crashed: SIGSEGV, address not mapped, at 0x0\n"
                                      "  poke\\(\\) at plugins/chaos/chaos.cpp:[0-9]+\n"
                                      "  worker chaos/[12] \\(pid [0-9]+\\), call [0-9]+, attempt 1 of 1; report "
                                      "[0-9A-Z]{26}; pool chaos: [12] of 2 workers ready\n"));
}

TEST(CrashReport, IsKeptAsAFileAndFoundAgainByTheNextSupervisor) {
    Service service{configuration()};
    auto client = service.client();
    const auto id = document(call(client, "chaos.abort")).at("report").get<std::string>();
    EXPECT_EQ(service.stop().code, 0);
    const auto file = service.folder() / "state" / "crashes" / (id + ".json");
    EXPECT_EQ(Json::parse(read_file(file)).at("method"), "abort");

    service.start();
    EXPECT_EQ(service.crashes().at(0).at("report"), id);
    EXPECT_THAT(service.run({"crashes", id.substr(0, 20)}).out, HasSubstr("chaos.abort crashed: SIGABRT"));
}

// Every call gets its own outcome, whatever is beside it in the same batch.
TEST(CrashIsolationBatch, OnlyTheCrashingCallsOfABatchFail) {
    const Service service{configuration()};
    auto client = service.client();
    std::map<std::uint64_t, std::string> expected;
    for (int i = 0; i < 120; ++i) {
        const bool crashes = i % 10 == 7;
        const auto number = std::to_string(i);
        const auto id = client.submit({.target = crashes ? "chaos.segv" : "chaos.ok",
                                       .body = wire::bytes_of(crashes ? std::string_view{} : number)});
        ASSERT_TRUE(id);
        expected[*id] = crashes ? "crashed signaled SIGSEGV" : "ok " + number;
    }
    while (client.outstanding() > 0) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto& done = std::get<Done>(**event);
        auto how = summary(done.result);
        if (done.result.outcome == Outcome::ok) how += " " + done.result.output;
        EXPECT_EQ(how, expected[done.call]) << done.result.json;
        expected.erase(done.call);
    }
    EXPECT_TRUE(expected.empty());
    EXPECT_EQ(service.pool("chaos").at("calls").at("crashed"), 12);
    EXPECT_EQ(service.crashes().size(), 12U);
}

}  // namespace
}  // namespace caisson::test
