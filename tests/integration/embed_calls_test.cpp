// SPDX-License-Identifier: Apache-2.0
/// Every way to hand over work to an embedded pool, and what comes back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <caisson/pool.hpp>
#include <cmath>
#include <future>
#include <map>
#include <numeric>
#include <set>
#include <thread>
#include <tuple>

#include "support/eventually.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span{text});
    return {bytes.begin(), bytes.end()};
}

TEST(EmbeddedValues, AreNumbersTextsListsAndJson) {
    Pool math{{.plugin = "math", .workers = 1}};
    EXPECT_EQ(math.apply<std::int64_t>("square", 7), 49);
    EXPECT_EQ(math.apply<std::int64_t>("square", std::int64_t{-7}), 49);
    EXPECT_EQ(math.apply<int>("square", 7U), 49);
    EXPECT_EQ(math.apply<double>("square", 7), 49.0);
    EXPECT_EQ(math.apply<Json>("pow", {2, 10}), Json(1024));
    EXPECT_EQ(math.apply<double>("sum", {0.5, 0.25}), 0.75);
    EXPECT_EQ(math.apply<std::uint64_t>("primes", 100), 25U);

    Pool chaos{{.plugin = chaos_library(), .workers = 1}};
    EXPECT_EQ(chaos.apply<std::string>("echo", "a text"), "a text");
    EXPECT_EQ(chaos.apply<std::vector<std::byte>>("echo", bytes_of("raw")), bytes_of("raw"));
    EXPECT_NO_THROW(chaos.apply<void>("say", "nothing comes back"));
}

TEST(EmbeddedValues, ThatDoNotFitAreFailuresOfTheirCall) {
    Pool math{{.plugin = "math", .workers = 1}};
    const auto large = math.try_apply<std::int8_t>("square", 100);
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().outcome(), Outcome::failed);
    EXPECT_THAT(large.error().message(), HasSubstr("out of range for int8"));
    const auto text = math.try_apply<std::int64_t>("square", "seven");
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().status(), "invalid_argument");
    EXPECT_THAT(text.error().message(), HasSubstr("expected int64, got \"seven\""));
    EXPECT_EQ(math.apply<std::int64_t>("square", 3), 9);
}

TEST(EmbeddedValues, ThatCannotBeInputAreErrorsAtOnce) {
    Pool chaos{{.plugin = chaos_library(), .workers = 1}};
    EXPECT_THROW(chaos.apply<void>("segv", 7), PoolError);  // takes no input
    EXPECT_THROW(chaos.call("segv", "a body"), PoolError);
    Pool math{{.plugin = "math", .workers = 1}};
    EXPECT_THROW(math.apply<double>("sum", {1.0, std::nan("")}), PoolError);
    EXPECT_THROW(math.apply<double>("square", std::nan("")), PoolError);
}

TEST(EmbeddedBytes, GoInAndComeOutAsTheyAre) {
    Pool chaos{{.plugin = chaos_library(), .workers = 1}};
    const auto echoed = chaos.call("echo", "some bytes");
    EXPECT_EQ(echoed.outcome, Outcome::ok);
    EXPECT_EQ(echoed.bytes(), "some bytes");
    const auto failed = chaos.call("fail", "", {.params = R"({"status": "not_found", "message": "gone"})"});
    EXPECT_EQ(failed.outcome, Outcome::failed);
    EXPECT_EQ(failed.message, "gone");
}

TEST(EmbeddedBytes, MayBeManyInBothDirections) {
    Pool chaos{{.plugin = chaos_library(), .workers = 1}};
    std::string large(20'000'000, 'x');
    large.front() = 'a';
    large.back() = 'z';
    const auto echoed = chaos.call("echo", large);
    ASSERT_EQ(echoed.outcome, Outcome::ok) << echoed.message;
    EXPECT_TRUE(echoed.bytes() == large);
    const std::vector<std::string> texts(40, std::string(100'000, 'm'));
    EXPECT_TRUE(chaos.map<std::string>("echo", texts) == texts);
}

TEST(EmbeddedMap, KeepsTheOrder) {
    Pool pool{{.plugin = "math", .workers = 4}};
    EXPECT_THAT(pool.map<std::int64_t>("square", {1, 2, 3, 4, 5}), ElementsAre(1, 4, 9, 16, 25));
    std::vector<std::int64_t> numbers(50'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    const auto squares = pool.map<std::int64_t>("square", numbers);
    ASSERT_THAT(squares, SizeIs(numbers.size()));
    for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(squares[i], numbers[i] * numbers[i]);
    EXPECT_THAT(pool.map<std::int64_t>("square", std::vector<std::int64_t>{}), IsEmpty());
    EXPECT_THAT(pool.map<std::int64_t>("square", {1, 2, 3}, {.chunk = 1}), ElementsAre(1, 4, 9));
    const std::set<int> sorted{3, 1, 2};
    EXPECT_THAT(pool.map<std::int64_t>("square", sorted), ElementsAre(1, 4, 9));
}

TEST(EmbeddedMap, ThrowsTheFirstItemThatFailed) {
    Pool pool{{.plugin = chaos_library(), .workers = 2}};
    const std::vector<Json> items{1, 2, "three", 4};
    try {
        (void)pool.map<std::int64_t>("ok", items);
        FAIL() << "an item is no number";
    } catch (const CallError& error) {
        EXPECT_THAT(error.what(), StartsWith("item 2: chaos.ok failed: "));
        EXPECT_EQ(error.failure().index(), 2U);
    }
    const auto each = pool.try_map<std::int64_t>("ok", items);
    ASSERT_THAT(each, SizeIs(4));
    EXPECT_EQ(each[1], 2);
    EXPECT_EQ(each[2].error().status(), "invalid_argument");
    EXPECT_EQ(each[3], 4);
}

TEST(EmbeddedMap, EndsEarlyWhenAnItemFails) {
    Pool pool{{.plugin = chaos_library(), .workers = 2}};
    std::vector<Json> items(1000, 20'000);
    items.front() = "not a number of ms";
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THROW((void)pool.map<std::int64_t>("sleep", items), CallError);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 20s);
}

TEST(EmbeddedMap, TakesTuplesAsArguments) {
    Pool pool{{.plugin = "math", .workers = 2}};
    EXPECT_THAT(pool.starmap<std::int64_t>("pow", {{1, 2}, {3, 4}}), ElementsAre(1, 81));
    const std::vector<std::tuple<int, int>> tuples{{2, 3}, {5, 2}};
    EXPECT_THAT(pool.starmap<std::int64_t>("pow", tuples), ElementsAre(8, 25));
    const std::map<double, int> mixed{{0.5, 2}, {1.5, 2}};
    EXPECT_THAT(pool.starmap<double>("pow", mixed), ElementsAre(0.25, 2.25));
}

TEST(EmbeddedMap, GoesOnWhileItsFutureIsHeld) {
    Pool pool{{.plugin = "math", .workers = 2}};
    std::vector<std::int64_t> told;
    const auto future =
        pool.map_async<std::int64_t>("square", {1, 2, 3}, {.on_done = [&](const auto& all) { told = all; }});
    EXPECT_THAT(future.get(), ElementsAre(1, 4, 9));
    EXPECT_EQ(future.progress().fraction, 1.0);
    pool.close();
    pool.join();
    EXPECT_THAT(told, ElementsAre(1, 4, 9));
}

TEST(EmbeddedStream, TakesNoMoreThanItsLookAhead) {
    Pool pool{{.plugin = "math", .workers = 2}};
    int taken = 0;
    auto input = std::views::iota(1) | std::views::transform([&](int n) { return taken = n; });  // endless
    std::vector<std::int64_t> squares;
    for (const auto square : pool.imap<std::int64_t>("square", input, {.look_ahead = 8})) {
        squares.push_back(square);
        EXPECT_LE(taken, static_cast<int>(squares.size()) + 8);
        if (squares.size() == 100) break;
    }
    EXPECT_THAT(squares, AllOf(SizeIs(100), Contains(10'000)));
    EXPECT_TRUE(std::ranges::is_sorted(squares));
}

TEST(EmbeddedStream, MayComeInTheOrderOfTheEnds) {
    Pool pool{{.plugin = chaos_library(), .workers = 2}};
    const std::vector<std::int64_t> waits_ms{3'000, 1, 1, 1};
    auto stream = pool.imap_unordered<std::int64_t>("sleep", waits_ms);
    auto result = stream.begin();
    EXPECT_EQ(*result, 1);
    EXPECT_GE(result.index(), 1U);
    std::vector<std::int64_t> rest;
    for (; result != stream.end(); ++result) rest.push_back(*result);
    EXPECT_THAT(rest, ElementsAre(1, 1, 1, 3'000));
}

TEST(EmbeddedStream, GoesOnAfterAFailure) {
    Pool pool{{.plugin = chaos_library(), .workers = 1}};
    const std::vector<Json> items{1, "two", 3};
    std::vector<std::string> seen;
    for (const auto& result : pool.try_imap<std::int64_t>("ok", items))
        seen.push_back(result ? std::to_string(*result) : std::string{word(result.error().outcome())});
    EXPECT_THAT(seen, ElementsAre("1", "failed", "3"));
    auto stream = pool.imap<std::int64_t>("ok", items);
    auto result = stream.begin();
    EXPECT_THROW((void)*++result, CallError);
    EXPECT_EQ(*++result, 3);
}

TEST(EmbeddedFuture, WaitsWithATimeAndCancels) {
    Pool pool{{.plugin = chaos_library(), .workers = 1}};
    const auto slow = pool.apply_async<std::int64_t>("sleep", 60'000);
    const auto waits = pool.apply_async<std::int64_t>("ok", 1);
    EXPECT_FALSE(slow.wait_for(1ms));
    EXPECT_FALSE(slow.ready());
    waits.cancel();
    EXPECT_EQ(waits.result().error().outcome(), Outcome::cancelled);
    EXPECT_EQ(waits.result().error().phase(), "waiting");
    slow.cancel();
    EXPECT_THROW((void)slow.get(), CallError);
    EXPECT_EQ(slow.result().error().outcome(), Outcome::cancelled);
}

TEST(EmbeddedFuture, EndsAtItsDeadline) {
    Pool pool{{.plugin = chaos_library(), .workers = 1, .grace = 100ms}};
    const auto late = pool.try_apply<std::int64_t>("sleep", 60'000, {.timeout = 50ms});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().outcome(), Outcome::timed_out);
    EXPECT_THAT(late.error().headline(), StartsWith("chaos.sleep timed out: its deadline passed"));
    EXPECT_EQ(pool.apply<std::int64_t>("ok", 1), 1);
}

TEST(EmbeddedFuture, TellsProgress) {
    Pool pool{{.plugin = fixture_library("ledger"), .workers = 1}};
    const Gate gate;
    std::promise<std::pair<double, std::string>> told;
    const auto future = pool.apply_async<std::string>(
        "write_and_gate", gate.path(),
        {.on_progress = [&](double fraction, const std::string& note) { told.set_value({fraction, note}); }});
    EXPECT_EQ(told.get_future().get(), (std::pair{0.5, std::string{"at the gate"}}));
    EXPECT_EQ(future.progress().note, "at the gate");
    gate.open("through");
    EXPECT_EQ(future.get(), "before through");
}

TEST(EmbeddedFuture, HandsOutPiecesWhileTheMethodRuns) {
    Pool pool{{.plugin = fixture_library("ledger"), .workers = 1}};
    const Gate gate;
    std::promise<void> first;
    std::string written;
    const auto future = pool.apply_async<void>("write_and_gate", gate.path(), {.on_piece = [&](std::string_view piece) {
                                                   if (written.empty()) first.set_value();
                                                   written += piece;
                                               }});
    first.get_future().wait();
    EXPECT_FALSE(future.ready());
    gate.open("through");
    future.wait();
    pool.close();
    pool.join();
    EXPECT_EQ(written, "before through");
}

// 64 MiB through a callback that waits: the method is made to wait too, not the memory to grow.
TEST(EmbeddedFuture, HoldsAMethodThatIsFasterThanItsCallback) {
    Folder folder;
    Pool pool{
        {.plugin = fixture_library("ledger"), .workers = 1, .env = {{"CAISSON_LEDGER", (folder / "ledger").string()}}}};
    std::promise<void> go_on;
    std::size_t taken = 0;
    const auto future = pool.apply_async<void>("pour", "64", {.on_piece = [&](std::string_view piece) {
                                                   if (taken == 0) go_on.get_future().wait();
                                                   taken += piece.size();
                                               }});
    // It stands still when what is between the method and the callback is full.
    std::string before = "?";
    EXPECT_TRUE(eventually([&] {
        const auto now = read_file(folder / "ledger");
        EXPECT_FALSE(future.wait_for(200ms));
        return now == std::exchange(before, now);
    }));
    EXPECT_THAT(before, Not(HasSubstr("poured 32")));
    go_on.set_value();
    future.wait();
    pool.close();
    pool.join();
    EXPECT_EQ(taken, std::size_t{64} * 1024 * 1024);
}

TEST(EmbeddedPriority, LargerGoesFirst) {
    Folder folder;
    Pool pool{
        {.plugin = fixture_library("ledger"), .workers = 1, .env = {{"CAISSON_LEDGER", (folder / "ledger").string()}}}};
    const Gate gate;
    const auto blocker = pool.apply_async<std::string>("gate", gate.path());
    std::vector<Future<std::string>> calls;
    for (const int priority : {0, -10, 10})
        calls.push_back(pool.apply_async<std::string>("note", std::to_string(priority), {.priority = priority}));
    gate.open("go");
    for (const auto& call : calls) call.wait();
    EXPECT_EQ(read_file(folder / "ledger"), "10\n0\n-10\n");
}

TEST(EmbeddedRetries, CountAttempts) {
    Folder folder;
    Pool pool{{.plugin = fixture_library("ledger"),
               .workers = 1,
               .retry_backoff = {.min = 1ms, .max = 1ms},
               .env = {{"CAISSON_LEDGER", (folder / "ledger").string()}}}};
    EXPECT_EQ(pool.apply<std::string>("try", "twice 2 segv", {.retries = 2}), "twice");
    const auto given_up = pool.try_apply<std::string>("try", "thrice 3 segv", {.retries = 1});
    ASSERT_FALSE(given_up);
    EXPECT_EQ(given_up.error().attempts(), 2U);
    EXPECT_EQ(read_file(folder / "ledger"), "twice 1\ntwice 2\ntwice 3\nthrice 1\nthrice 2\n");
}

TEST(EmbeddedPoison, IsRefusedListedAndCleared) {
    Pool pool{{.plugin = chaos_library(), .workers = 1, .poison = {.crashes = 2}}};
    EXPECT_EQ(pool.try_apply<void>("segv").error().outcome(), Outcome::crashed);
    EXPECT_EQ(pool.try_apply<void>("segv").error().outcome(), Outcome::crashed);
    const auto refused = pool.try_apply<void>("segv");
    EXPECT_EQ(refused.error().outcome(), Outcome::refused);
    EXPECT_EQ(refused.error().bound(), "poison.crashes");
    const auto poison = pool.poison();
    ASSERT_THAT(poison, SizeIs(1));
    EXPECT_EQ(poison[0].method, "segv");
    EXPECT_EQ(poison[0].crashes, 2U);
    EXPECT_EQ(pool.clear_poison(poison[0].id), 1U);
    EXPECT_EQ(pool.try_apply<void>("segv").error().outcome(), Outcome::crashed);
}

TEST(EmbeddedCrash, IsAFailureWithItsReportAndNobodyElses) {
    Pool pool{{.plugin = chaos_library(), .workers = 2}};
    std::vector<Future<std::int64_t>> good;
    for (int n = 0; n < 3; ++n) good.push_back(pool.apply_async<std::int64_t>("ok", n));
    const auto bad = pool.apply_async<void>("segv");
    for (int n = 3; n < 6; ++n) good.push_back(pool.apply_async<std::int64_t>("ok", n));
    for (int n = 0; n < 6; ++n) EXPECT_EQ(good[static_cast<std::size_t>(n)].get(), n);
    const auto failure = bad.result().error();
    EXPECT_EQ(failure.outcome(), Outcome::crashed);
    EXPECT_EQ(failure.signal(), "SIGSEGV");
    EXPECT_EQ(failure.method(), "segv");
    EXPECT_EQ(failure.attempts(), 1U);
    EXPECT_THAT(failure.report(), SizeIs(26));
    EXPECT_GT(failure.worker_pid(), 0);
    EXPECT_THAT(failure.stack(), Contains(HasSubstr("poke()")));
    EXPECT_THAT(failure.text(), HasSubstr("chaos.segv crashed: SIGSEGV, address not mapped, at 0x0"));
}

TEST(EmbeddedCrash, HitsOneItemOfAMap) {
    Folder folder;
    Pool pool{
        {.plugin = fixture_library("ledger"), .workers = 2, .env = {{"CAISSON_LEDGER", (folder / "ledger").string()}}}};
    std::vector<std::string> items;
    for (int n = 0; n < 200; ++n) items.push_back(std::to_string(n) + (n == 77 ? " 1 segv" : " 0"));
    const auto results = pool.try_map<std::string>("try", items);
    for (std::size_t n = 0; n < results.size(); ++n) {
        if (n == 77)
            EXPECT_EQ(results[n].error().signal(), "SIGSEGV");
        else
            EXPECT_EQ(results[n].value_or("?"), std::to_string(n));
    }
}

// Numbers go packed and many at once, from one end to the other. What goes wrong is as exact as with one call each.
TEST(EmbeddedCrash, HitsOneNumberOfMany) {
    Pool pool{{.plugin = fixture_library("typed"), .workers = 2, .poison = {.crashes = 0}}};
    std::vector<std::int64_t> numbers(20'000);
    std::iota(numbers.begin(), numbers.end(), 100);
    numbers[5] = numbers[9'000] = numbers[19'999] = 13;
    numbers[7'000] = 14;
    numbers[12'345] = 15;
    const auto squares = pool.try_map<std::int64_t>("square", numbers);
    ASSERT_EQ(squares.size(), numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        if (numbers[i] >= 100) {
            ASSERT_TRUE(squares[i]) << i << ": " << squares[i].error().message();
            ASSERT_EQ(*squares[i], numbers[i] * numbers[i]);
            continue;
        }
        ASSERT_FALSE(squares[i]) << i;
        EXPECT_EQ(squares[i].error().outcome(), numbers[i] == 14 ? Outcome::failed : Outcome::crashed) << numbers[i];
    }
    EXPECT_THAT(squares[7'000].error().message(), HasSubstr("14 is not to be squared"));
    EXPECT_THAT(squares[5].error().message(), HasSubstr("SIGSEGV"));
    EXPECT_THAT(squares[12'345].error().message(), HasSubstr("SIGKILL"));

    const auto threw = [&] { static_cast<void>(pool.map<std::int64_t>("square", numbers)); };
    EXPECT_THROW(threw(), CallError);
    std::iota(numbers.begin(), numbers.end(), 1'000);
    EXPECT_EQ(pool.map<std::int64_t>("square", numbers).at(19'999), std::int64_t{20'999} * 20'999);
}

// The thread that waits runs the engine itself, and gives it back.
TEST(EmbeddedThreads, TakeTurnsAtTheEngine) {
    Pool pool{{.plugin = "math", .workers = 2}};
    for (int i = 0; i < 200; ++i) ASSERT_EQ(pool.apply<std::int64_t>("square", i), std::int64_t{i} * i);
    // Work that nobody waits for goes on beside one that does, and after it.
    auto later = pool.apply_async<std::int64_t>("square", 3);
    for (int i = 0; i < 200; ++i) ASSERT_EQ(pool.apply<std::int64_t>("square", i), std::int64_t{i} * i);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&pool, t] {
            for (std::int64_t i = 0; i < 300; ++i) {
                const auto n = i * 4 + t;
                if (i % 3 == 0)
                    EXPECT_EQ(pool.apply_async<std::int64_t>("square", n).get(), n * n);
                else
                    EXPECT_EQ(pool.apply<std::int64_t>("square", n), n * n);
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(later.get(), 9);
}

// A worker that dies while nobody runs the engine is replaced all the same, and a call that is driven may be the one.
TEST(EmbeddedThreads, TheEngineIsNeverLeftAlone) {
    Pool pool{{.plugin = chaos_library(), .workers = 1, .poison = {.crashes = 0}}};
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(pool.apply<std::string>("echo", "x"), "x");
        const auto crashed = pool.try_apply<void>("segv");
        ASSERT_FALSE(crashed);
        EXPECT_EQ(crashed.error().outcome(), Outcome::crashed);
    }
    const auto timed_out = pool.try_apply<void>("spin", no_input, {.timeout = std::chrono::milliseconds{50}});
    ASSERT_FALSE(timed_out);
    EXPECT_EQ(timed_out.error().outcome(), Outcome::timed_out);
}

TEST(EmbeddedQueue, RefusesOrMakesCallersWait) {
    const Gate gate;
    Pool refuses{{.plugin = fixture_library("ledger"), .workers = 1, .queue = {.calls = 2}}};
    const auto blocker = refuses.apply_async<std::string>("gate", gate.path());
    std::vector<Future<std::string>> calls;
    EXPECT_TRUE(eventually([&] {
        calls.push_back(refuses.apply_async<std::string>("gate", "/nowhere"));
        return calls.back().ready() && calls.back().result().error().bound() == "queue.calls";
    }));
    gate.open("go");

    const Gate other;
    Pool waits{{.plugin = fixture_library("ledger"), .workers = 1, .queue = {.calls = 2, .full = WhenFull::wait}}};
    const auto first = waits.apply_async<std::string>("gate", other.path());
    std::atomic<int> handed_over = 0;
    std::thread caller{[&] {
        for (; handed_over < 20; ++handed_over) (void)waits.apply_async<std::string>("twice", "x");
    }};
    EXPECT_TRUE(eventually([&] { return handed_over >= 2; }));
    EXPECT_FALSE(first.wait_for(100ms));
    EXPECT_LE(handed_over, 3);
    other.open("go");
    caller.join();
    EXPECT_EQ(waits.apply<std::string>("twice", "y"), "yy");
}

TEST(EmbeddedQueue, IsNeverTooShortForMaps) {
    Pool pool{{.plugin = "math", .workers = 2, .queue = {.calls = 50}}};
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            const auto squares = pool.map<std::int64_t>("square", std::views::iota(0, 2000));
            right += squares.back() == 1999 * 1999;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 4);
}

TEST(EmbeddedThreads, MayAllHandOverWork) {
    Pool pool{{.plugin = "math", .workers = 2}};
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t)
        threads.emplace_back([&, t] {
            for (int n = 0; n < 200; ++n) right += pool.apply<std::int64_t>("square", n) == n * n;
            right += pool.map<std::int64_t>("square", {t}).front() == t * t;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 8 * 201);
}

}  // namespace
}  // namespace caisson::test
