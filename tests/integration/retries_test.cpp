// SPDX-License-Identifier: Apache-2.0
/// Attempts after the first: only where somebody allowed them, only after the causes that were named, with a number
/// that the plugin and the caller see, and with a pause in between. The ledger has "NAME ATTEMPT" for each start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Retries : public testing::Test {
   protected:
    /// One call of `ledger.METHOD` that goes wrong `times` times in one way.
    CallResult attempt(std::string_view target, const std::string& body, std::optional<std::uint32_t> retries = {},
                       std::optional<std::chrono::milliseconds> timeout = {}) {
        auto result =
            client_.call({.target = target, .body = wire::bytes_of(body), .timeout = timeout, .retries = retries});
        if (!result) throw std::runtime_error(result.error().message);
        return std::move(*result);
    }

    static constexpr auto* quick =
        "workers = 1\nretry_backoff = { min = \"1ms\", max = \"5ms\" }\npoison.crashes = 0\n"
        "stop.grace = \"100ms\"\nrestart.call_crashes = 10000\n";
    Ledger ledger_;
    Service service_{
        {.pools =
             ledger_.pool("ledger", std::string{quick} +
                                        "retries = 2\nretry_on = [\"crashed\", \"timed_out\", \"unavailable\"]\n") +
             ledger_.pool("strict", std::string{quick} + "[pool.strict.methods.try]\nretries = 1\n") +
             ledger_.pool("slow", "workers = 1\nretry_backoff = { min = \"300ms\", max = \"10s\" }\n")}};
    Client client_ = service_.client();
};

TEST_F(Retries, OfAPoolAreForIdempotentMethods) {
    const auto result = attempt("ledger.try_again", "a 2 segv");
    EXPECT_EQ(result.outcome, Outcome::ok) << result.json;
    EXPECT_EQ(result.output, "a");
    EXPECT_EQ(result.attempts, 3U);
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "a 2", "a 3"));
    EXPECT_EQ(service_.pool("ledger").at("retries"), 2);
}

TEST_F(Retries, OfAPoolAreNotForOtherMethods) {
    const auto result = attempt("ledger.try", "a 1 segv");
    EXPECT_EQ(summary(result), "crashed signaled SIGSEGV");
    EXPECT_EQ(document(result).at("attempts"), 1);
    EXPECT_EQ(document(result).at("max_attempts"), 1);
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1"));
}

TEST_F(Retries, OfAMethodAreForAnyMethod) {
    EXPECT_EQ(attempt("strict.try", "a 1 segv").outcome, Outcome::ok);
    const auto result = attempt("strict.try", "b 2 segv");
    EXPECT_EQ(summary(result), "crashed signaled SIGSEGV");
    EXPECT_EQ(document(result).at("attempts"), 2);
    EXPECT_EQ(document(result).at("max_attempts"), 2);
    EXPECT_EQ(summary(attempt("strict.try_again", "c 1 segv")), "crashed signaled SIGSEGV");
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "a 2", "b 1", "b 2", "c 1"));
}

TEST_F(Retries, OfACallerCountForAnyMethodAndBeforeAllOthers) {
    EXPECT_EQ(attempt("ledger.try", "a 5 die", 5).attempts, 6U);
    EXPECT_EQ(summary(attempt("ledger.try_again", "b 1 segv", 0)), "crashed signaled SIGSEGV");
    EXPECT_EQ(summary(attempt("strict.try", "c 1 segv", 0)), "crashed signaled SIGSEGV");
    EXPECT_THAT(ledger_.lines(), SizeIs(8));
}

TEST_F(Retries, AreOnlyForTheCausesThatWereNamed) {
    EXPECT_EQ(attempt("ledger.try", "a 1 unavailable", 1).output, "a");
    EXPECT_EQ(summary(attempt("ledger.try", "b 1 internal", 1)), "failed internal");
    EXPECT_EQ(summary(attempt("strict.try", "c 1 unavailable", 1)), "failed unavailable");
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "a 2", "b 1", "c 1"));
}

TEST_F(Retries, TheLastAttemptIsTheOutcome) {
    const auto result = attempt("ledger.try", "a 9 unavailable", 3);
    EXPECT_EQ(summary(result), "failed unavailable");
    EXPECT_EQ(document(result).at("attempts"), 4);
    EXPECT_EQ(document(result).at("max_attempts"), 4);
    EXPECT_EQ(result.attempts, 4U);
}

TEST_F(Retries, EachAttemptThatRanOutOfTimeIsFollowedByOneWithAsMuchTime) {
    EXPECT_EQ(attempt("ledger.try", "a 2 hang", 2, 300ms).output, "a");
    EXPECT_EQ(attempt("ledger.try", "b 1 wait", 1, 300ms).output, "b");
    const auto result = attempt("ledger.try", "c 9 wait", 1, 300ms);
    EXPECT_EQ(summary(result), "timed_out running");
    EXPECT_EQ(document(result).at("attempts"), 2);
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "a 2", "a 3", "b 1", "b 2", "c 1", "c 2"));
}

TEST_F(Retries, ACallThatOnlyWaitedIsNotRetried) {
    const Gate gate;
    auto other = service_.client();
    Ends blocked{other};
    blocked.submit({.target = "ledger.gate", .body = wire::bytes_of(gate.path())});
    ASSERT_TRUE(other.flush());
    service_.await_running("ledger", 1);
    EXPECT_EQ(summary(attempt("ledger.try", "a", 5, 100ms)), "timed_out waiting");
    gate.open("");
    blocked.take_all();
    EXPECT_THAT(ledger_.lines(), SizeIs(0));
}

// Its deadline holds for all attempts after a crash together; no attempt begins that has no time.
TEST_F(Retries, AfterACrashEndWithTheDeadline) {
    const auto result = attempt("slow.try", "a 100 segv", 100, 1s);
    EXPECT_THAT(std::vector({Outcome::crashed, Outcome::timed_out}), testing::Contains(result.outcome)) << result.json;
    EXPECT_LT(ledger_.lines().size(), 10U);
}

TEST_F(Retries, WaitLongerEachTime) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(attempt("slow.try", "a 2 die", 2).output, "a");
    // Half of 300 ms and of 600 ms at least: the other halves are left to chance.
    EXPECT_GE(std::chrono::steady_clock::now() - before, 440ms);
}

TEST_F(Retries, ARestingCallHoldsNoWorkerAndCanBeCancelled) {
    Ends ends{client_};
    const auto resting = ends.submit({.target = "slow.try", .body = wire::bytes_of("a 100 die"), .retries = 100});
    ASSERT_TRUE(client_.flush());
    ASSERT_TRUE(eventually([&] { return service_.pool("slow").at("resting") == 1; }));
    auto other = service_.client();
    EXPECT_EQ(call(other, "slow.try", "b").output, "b");
    ASSERT_TRUE(eventually([&] { return service_.pool("slow").at("resting") == 1; }));
    client_.cancel(resting);
    EXPECT_EQ(ends.await(resting), "cancelled waiting");
    EXPECT_EQ(service_.pool("slow").at("resting"), 0);
}

TEST_F(Retries, ACallThatHasHandedOutAPieceIsNotRetried) {
    Ends ends{client_};
    const auto streamed =
        ends.submit({.target = "ledger.try", .body = wire::bytes_of("a 1 piece"), .stream = true, .retries = 5});
    const auto gathered = ends.submit({.target = "ledger.try", .body = wire::bytes_of("b 1 piece"), .retries = 5});
    ends.take_all();
    EXPECT_EQ(ends.of(streamed), "crashed signaled SIGABRT");
    EXPECT_EQ(ends.pieces(streamed), "a piece");
    EXPECT_EQ(ends.of(gathered), "ok b");
    EXPECT_THAT(ledger_.lines(), ElementsAre("a 1", "b 1", "b 2"));
}

TEST_F(Retries, OfItemsOfABatchAreTheirOwn) {
    Ends ends{client_};
    std::vector<std::string> bodies;
    for (int i = 0; i < 60; ++i) {
        const auto name = "item-" + std::to_string(i);
        bodies.push_back(i % 10 == 3 ? name + " 2 segv" : i % 10 == 7 ? name + " 1 unavailable" : name);
    }
    const auto batch = ends.submit({.target = "ledger.try", .retries = 2}, bodies);
    ends.take_all();
    auto counts = ledger_.counts();
    for (std::uint32_t i = 0; i < 60; ++i) {
        const auto name = "item-" + std::to_string(i);
        EXPECT_EQ(ends.of(batch, i), "ok " + name);
        EXPECT_EQ(counts[name + " 1"], 1);
        EXPECT_EQ(counts[name + " 2"], i % 10 == 3 || i % 10 == 7 ? 1 : 0);
        EXPECT_EQ(counts[name + " 3"], i % 10 == 3 ? 1 : 0);
    }
}

TEST_F(Retries, AKillFromOutsideIsACrash) {
    Ends ends{client_};
    const auto waits =
        ends.submit({.target = "ledger.try", .body = wire::bytes_of("a 1 hang"), .timeout = 0ms, .retries = 1});
    ASSERT_TRUE(client_.flush());
    ASSERT_TRUE(eventually([&] { return !ledger_.lines().empty(); }));
    ::kill(service_.workers("ledger").at(0), SIGKILL);
    EXPECT_EQ(ends.await(waits), "ok a");
    EXPECT_EQ(ends.result(waits).attempts, 2U);
}

TEST_F(Retries, AServiceThatStopsBeginsNone) {
    Ends ends{client_};
    const auto resting = ends.submit({.target = "slow.try", .body = wire::bytes_of("a 100 die"), .retries = 100});
    const auto running =
        ends.submit({.target = "ledger.try", .body = wire::bytes_of("b 100 hang"), .timeout = 0ms, .retries = 100});
    ASSERT_TRUE(client_.flush());
    ASSERT_TRUE(eventually([&] { return service_.pool("slow").at("resting") == 1; }));
    service_.await_running("ledger", 1);
    EXPECT_EQ(service_.run({"stop", "--now"}).code, 0);
    ends.take_all();
    EXPECT_THAT(ends.of(resting), testing::StartsWith("cancelled"));
    EXPECT_THAT(ends.of(running), testing::StartsWith("cancelled"));
    EXPECT_EQ(service_.wait().code, 0);
}

TEST_F(Retries, AreSaidByTheCommand) {
    EXPECT_EQ(service_.run({"call", "ledger.try", "a 2 segv", "--retries", "2"}).out, "a");
    const auto failed = service_.run({"call", "ledger.try", "b 9 segv", "--retries", "2"});
    EXPECT_EQ(failed.code, 4);
    EXPECT_THAT(failed.err, HasSubstr("attempt 3 of 3"));
}

}  // namespace
}  // namespace caisson::test
