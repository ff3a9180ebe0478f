// SPDX-License-Identifier: Apache-2.0
/// The life of an embedded pool: its start, its callbacks, every way to end it, and every way to use it wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <caisson/pool.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "support/eventually.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// The text of the PoolError that `use` throws; empty if it throws none.
template <class Use>
std::string misuse(Use&& use) {
    try {
        use();
    } catch (const PoolError& error) {
        return error.what();
    }
    return {};
}

PoolOptions chaos(int workers = 1) { return {.plugin = chaos_library(), .workers = workers, .grace = 200ms}; }

// ---- start ----------------------------------------------------------------------------------------------------------

TEST(EmbeddedStart, SaysWhyAPluginCannotBeUsed) {
    const auto start = [](PoolOptions options) { return misuse([&] { const Pool pool{std::move(options)}; }); };
    EXPECT_THAT(start({.plugin = "nosuch"}), HasSubstr("there is no libnosuch.so or nosuch.so in"));
    EXPECT_THAT(start({.plugin = "/no/such.so"}), HasSubstr("there is no such.so in \"/no\""));
    EXPECT_THAT(start({}), HasSubstr("no plugin is named"));
    EXPECT_THAT(start({.plugin = fixture_library("create_refuses")}), HasSubstr("did not start (create)"));
    EXPECT_THAT(start({.plugin = fixture_library("crash_at_load")}), HasSubstr("did not start (load): died: SIG"));
    EXPECT_THAT(start({.plugin = chaos_library(), .settings = R"({"crash": "create_fails"})"}),
                HasSubstr("chaos does not want to start"));
    EXPECT_THAT(start({.plugin = chaos_library(),
                       .limits = {.start_timeout = 200ms},
                       .settings = R"({"crash": "create_hangs"})"}),
                HasSubstr("not ready after 200 ms"));
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
}

TEST(EmbeddedStart, RefusesOptionsThatCannotBe) {
    const auto start = [](PoolOptions options) {
        options.plugin = "math";
        return misuse([&] { const Pool pool{std::move(options)}; });
    };
    EXPECT_THAT(start({.workers = -1}), StartsWith("workers is -1, but must be 1 to 1024"));
    EXPECT_THAT(start({.workers = 2000}), StartsWith("workers is 2000"));
    EXPECT_THAT(start({.timeout = -1ms}), StartsWith("timeout is -1ms"));
    EXPECT_THAT(start({.retries = -1}), StartsWith("retries is -1"));
    EXPECT_THAT(start({.queue = {.calls = 0}}), StartsWith("queue.calls is 0"));
    EXPECT_THAT(start({.grace = -5ms}), StartsWith("grace is -5ms"));
    EXPECT_THAT(start({.name = "Not A Name"}), HasSubstr("is no name of a pool"));
    EXPECT_THAT(start({.env = {{"A=B", "C"}}}), HasSubstr("can be no variable"));
    EXPECT_THAT(start({.settings = "[]"}), StartsWith("settings is no JSON object"));
    EXPECT_THAT(start({.restart = {.backoff_min = 2s, .backoff_max = 1s}}), HasSubstr("is longer than"));
}

TEST(EmbeddedStart, MayHaveSparesAndAZygote) {
    for (const auto start : {StartMethod::exec, StartMethod::zygote}) {
        auto options = chaos();
        options.spares = 1;
        options.start = start;
        options.poison.crashes = 0;
        Pool pool{options};
        const auto states = [&] {
            std::vector<std::string> all;
            for (const auto& worker : pool.workers()) all.push_back(worker.state);
            return all;
        };
        EXPECT_TRUE(eventually([&] { return std::ranges::count(states(), "spare") == 1 && states().size() == 2; }));
        for (int round = 0; round < 5; ++round) {
            EXPECT_THROW(pool.apply<std::string>("segv"), CallError);
            EXPECT_EQ(pool.apply<int>("ok", round), round);
        }
        EXPECT_TRUE(eventually([&] { return std::ranges::count(states(), "spare") == 1 && states().size() == 2; }));
        // Keeper, worker, spare, and the zygote if there is one. ThreadSanitizer has a thread of its own, so none is.
#if defined(__SANITIZE_THREAD__)
        constexpr bool forks = false;
#else
        constexpr bool forks = true;
#endif
        EXPECT_THAT(descendants(::getpid()), SizeIs(forks && start == StartMethod::zygote ? 4 : 3));
    }
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
    EXPECT_THAT(misuse([] { const Pool pool{{.plugin = "math", .spares = 65}}; }), StartsWith("spares is 65"));
}

TEST(EmbeddedStart, NeedsItsPrograms) {
    EXPECT_THAT(misuse([] { const Engine engine{{.program_dir = "/nowhere"}}; }),
                HasSubstr("there is no caisson-keeper in \"/nowhere\""));
}

TEST(EmbeddedStart, SharesAnEngineAmongPools) {
    const Engine engine;
    Pool first{engine, {.plugin = "math", .workers = 1}};
    Pool second{engine, {.plugin = "math", .workers = 1}};
    EXPECT_EQ(first.name(), "math");
    EXPECT_EQ(second.name(), "math-2");
    EXPECT_EQ(first.apply<int>("square", 2) + second.apply<int>("square", 3), 13);
    // One keeper, two workers.
    EXPECT_THAT(descendants(::getpid()), SizeIs(3));
}

TEST(EmbeddedOutput, ReachesItsListener) {
    std::promise<OutputLine> heard;
    std::atomic<int> lines = 0;
    const Engine engine{{.on_output = [&](const OutputLine& line) {
        if (lines++ == 0) heard.set_value(line);
    }}};
    Pool pool{engine, {.plugin = "hello", .workers = 1}};
    const auto said = pool.apply<Json>("number", 7);
    const auto line = heard.get_future().get();
    EXPECT_EQ(line.pool, "hello");
    EXPECT_EQ(line.worker, 1U);
    EXPECT_FALSE(line.error);
    EXPECT_EQ(line.text, "number 7 from pid " + said["pid"].dump());
}

// ---- wrong use ------------------------------------------------------------------------------------------------------

TEST(EmbeddedMisuse, IsAnErrorWhereItHappens) {
    Pool pool{{.plugin = "math", .workers = 1}};
    EXPECT_THAT(misuse([&] { pool.apply<int>("sqare", 1); }),
                AllOf(HasSubstr("pool math has no method \"sqare\""), HasSubstr("did you mean square?")));
    EXPECT_THAT(misuse([&] { pool.apply<int>("square", 1, {.timeout = -1ms}); }), HasSubstr("timeout is -1ms"));
    EXPECT_THAT(misuse([&] { pool.apply<int>("square", 1, {.priority = 11}); }), HasSubstr("priority is 11"));
    EXPECT_THAT(misuse([&] { pool.apply<int>("square", 1, {.retries = 101}); }), HasSubstr("retries is 101"));
    EXPECT_THAT(misuse([&] { pool.apply<int>("square", 1, {.params = "7"}); }), HasSubstr("params are no JSON object"));
    EXPECT_THAT(misuse([&] { (void)pool.map<int>("square", {1}, {.chunk = 0}); }), HasSubstr("a chunk of 0"));
    EXPECT_THAT(misuse([&] { (void)pool.imap<int>("square", std::views::iota(1), {.look_ahead = 0}); }),
                HasSubstr("a look_ahead of 0"));
    EXPECT_THAT(misuse([&] { pool.resize(0); }), HasSubstr("workers is 0, but must be 1 to 1024"));
    EXPECT_THAT(misuse([&] { pool.join(); }), HasSubstr("joined before it is closed"));
    EXPECT_EQ(pool.apply<int>("square", 3), 9);

    pool.close();
    EXPECT_THAT(misuse([&] { pool.apply<int>("square", 1); }), HasSubstr("is closed"));
    EXPECT_THAT(misuse([&] { (void)pool.map<int>("square", {1}); }), HasSubstr("is closed"));
    pool.join();
    EXPECT_THAT(misuse([&] { pool.join(); }), HasSubstr("was joined already"));
    EXPECT_THAT(misuse([&] { pool.resize(2); }), HasSubstr("is closed"));

    Pool other{{.plugin = "math", .workers = 1}};
    pool = std::move(other);
    EXPECT_EQ(pool.apply<int>("square", 4), 16);
    EXPECT_THAT(misuse([&] { other.close(); }), HasSubstr("was moved from"));  // NOLINT(bugprone-use-after-move)
}

// ---- size -----------------------------------------------------------------------------------------------------------

TEST(EmbeddedPool, HasItsWorkersInProcessesOfTheirOwn) {
    Pool pool{{.plugin = "hello", .workers = 2}};
    const auto ready = [&](std::size_t count) {
        return eventually([&] {
            const auto workers = pool.workers();
            return workers.size() == count &&
                   std::ranges::all_of(workers, [](const auto& worker) { return worker.state == "idle"; });
        });
    };
    EXPECT_TRUE(ready(2));
    for (const auto& worker : pool.workers()) EXPECT_NE(worker.pid, ::getpid());
    pool.resize(4);
    EXPECT_TRUE(ready(4));
    pool.resize(1);
    EXPECT_TRUE(ready(1));
    EXPECT_EQ(pool.apply<Json>("number", 5)["number"], 5);
}

// ---- callbacks ------------------------------------------------------------------------------------------------------

TEST(EmbeddedCallbacks, RunInOrderOnOneThreadOfTheirOwn) {
    Pool pool{{.plugin = "math", .workers = 1}};
    std::vector<std::int64_t> told;
    std::vector<std::thread::id> threads;
    std::vector<Outcome> failures;
    for (int n = 1; n <= 3; ++n)
        (void)pool.apply_async<std::int64_t>("square", n, {.on_done = [&](std::int64_t square) {
                                                 told.push_back(square);
                                                 threads.push_back(std::this_thread::get_id());
                                             }});
    (void)pool.apply_async<std::int64_t>(
        "square", "x", {.on_error = [&](const Failure& failure) { failures.push_back(failure.outcome()); }});
    pool.close();
    pool.join();
    EXPECT_THAT(told, ElementsAre(1, 4, 9));
    EXPECT_THAT(failures, ElementsAre(Outcome::failed));
    EXPECT_THAT(threads, ElementsAre(threads[0], threads[0], threads[0]));
    EXPECT_NE(threads[0], std::this_thread::get_id());
}

TEST(EmbeddedCallbacks, MayUseThePool) {
    Pool pool{{.plugin = "math", .workers = 1}};
    std::promise<std::int64_t> inner;
    (void)pool.apply_async<std::int64_t>("square", 3, {.on_done = [&](std::int64_t square) {
                                             inner.set_value(pool.apply<std::int64_t>("square", square));
                                         }});
    EXPECT_EQ(inner.get_future().get(), 81);
    std::promise<std::string> text;
    (void)pool.apply_async<std::int64_t>("square", 3, {.on_done = [&](std::int64_t) {
                                             text.set_value(misuse([&] {
                                                 pool.close();
                                                 pool.join();
                                             }));
                                         }});
    EXPECT_THAT(text.get_future().get(), HasSubstr("would wait for itself"));
    pool.join();
}

// A callback of a stream waits for a call while the stream is held back for its sake.
TEST(EmbeddedCallbacks, MayWaitWhileTheirStreamIsHeld) {
    Pool pool{chaos(1)};
    std::promise<void> waited;
    std::size_t taken = 0;
    const auto future = pool.apply_async<void>("pour", 16 * 1024 * 1024, {.on_piece = [&](std::string_view piece) {
                                                   if (taken == 0) {
                                                       EXPECT_EQ(pool.apply<int>("ok", 1), 1);
                                                       waited.set_value();
                                                   }
                                                   taken += piece.size();
                                               }});
    waited.get_future().wait();
    future.wait();
    pool.close();
    pool.join();
    EXPECT_EQ(taken, std::size_t{16} * 1024 * 1024);
}

TEST(EmbeddedCallbacks, MayThrowAndLoseNothing) {
    Pool pool{{.plugin = "math", .workers = 1}};
    const auto future = pool.apply_async<std::int64_t>(
        "square", 5, {.on_done = [](std::int64_t) { throw std::runtime_error("no, thanks"); }});
    (void)pool.apply_async<std::int64_t>("square", 6, {.on_done = [](std::int64_t) { throw 42; }});
    EXPECT_EQ(future.get(), 25);
    pool.close();
    try {
        pool.join();
        FAIL() << "a callback threw";
    } catch (const CallbackError& error) {
        EXPECT_STREQ(error.what(), "a callback of square threw: no, thanks");
        EXPECT_THROW(std::rethrow_exception(error.cause()), std::runtime_error);
    }
    EXPECT_EQ(future.get(), 25);
}

TEST(EmbeddedCallbacks, MayHaveALastResort) {
    std::vector<std::string> caught;
    Pool pool{{.plugin = "math", .workers = 1, .on_callback_error = [&](const std::exception_ptr& thrown) {
                   try {
                       std::rethrow_exception(thrown);
                   } catch (const std::exception& error) {
                       caught.emplace_back(error.what());
                   }
               }}};
    (void)pool.apply_async<int>("square", 5, {.on_done = [](int) { throw std::runtime_error("one"); }});
    (void)pool.apply_async<int>("square", 6, {.on_done = [](int) { throw std::runtime_error("two"); }});
    pool.close();
    pool.join();
    EXPECT_THAT(caught, ElementsAre("one", "two"));
}

TEST(EmbeddedCallbacks, MayEndTheLastUserOfTheirEngine) {
    auto pool = std::make_shared<Pool>(PoolOptions{.plugin = "math", .workers = 1});
    std::promise<void> gone;
    auto* const handle = pool.get();
    const auto future = handle->apply_async<int>("square", 5, {.on_done = [pool, &gone](int) mutable {
                                                     pool.reset();
                                                     gone.set_value();
                                                 }});
    pool.reset();
    gone.get_future().wait();
    EXPECT_EQ(future.get(), 25);
}

// ---- ends -----------------------------------------------------------------------------------------------------------

TEST(EmbeddedEnd, JoinLetsEverythingFinish) {
    Pool pool{chaos(2)};
    std::vector<Future<int>> calls;
    for (int n = 0; n < 20; ++n) calls.push_back(pool.apply_async<int>("sleep", 5));
    pool.close();
    pool.join();
    for (const auto& call : calls) {
        EXPECT_TRUE(call.ready());
        EXPECT_EQ(call.get(), 5);
    }
    EXPECT_THAT(pool.workers(), IsEmpty());
}

TEST(EmbeddedEnd, TerminateCancelsEverything) {
    Pool pool{chaos(2)};
    std::vector<Outcome> told;
    std::vector<Future<int>> calls;
    for (const auto* const method : {"sleep", "spin", "sleep", "sleep"})
        calls.push_back(method == std::string_view{"spin"}
                            ? pool.apply_async<int>("spin")
                            : pool.apply_async<int>("sleep", 60'000, {.on_error = [&](const Failure& failure) {
                                                        told.push_back(failure.outcome());
                                                    }}));
    EXPECT_TRUE(eventually([&] { return pool.workers()[1].state == "running"; }));
    pool.terminate();
    for (const auto& call : calls) {
        ASSERT_TRUE(call.ready());
        EXPECT_EQ(call.result().error().outcome(), Outcome::cancelled);
    }
    EXPECT_THAT(told, SizeIs(3));
    EXPECT_THAT(misuse([&] { pool.apply<int>("ok", 1); }), HasSubstr("was terminated"));
    pool.join();
    pool.terminate();
}

TEST(EmbeddedEnd, AnExceptionThatUnwindsEndsThePool) {
    std::optional<Future<int>> call;
    try {
        Pool pool{chaos(1)};
        call =
            pool.apply_async<int>("sleep", 60'000, {.on_error = [](const Failure&) { ADD_FAILURE() << "too late"; }});
        throw std::runtime_error("elsewhere");
    } catch (const std::runtime_error& error) {
        EXPECT_STREQ(error.what(), "elsewhere");
    }
    EXPECT_EQ(call->result().error().outcome(), Outcome::cancelled);
    call->cancel();
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
}

TEST(EmbeddedEnd, AnEndlessInputMayThrow) {
    Pool pool{chaos(1)};
    auto input = std::views::iota(1) | std::views::transform([](int n) {
                     if (n == 5) throw std::runtime_error("no more");
                     return n;
                 });
    EXPECT_THROW((void)pool.map<int>("ok", input), std::runtime_error);
    EXPECT_EQ(pool.apply<int>("ok", 1), 1);
}

TEST(EmbeddedEnd, ThePoolGoesOnWhenItsKeeperDies) {
    Pool pool{chaos(2)};
    EXPECT_EQ(pool.apply<int>("ok", 1), 1);
    for (const auto& process : descendants(::getpid()))
        if (process.parent == ::getpid()) ::kill(process.pid, SIGKILL);
    EXPECT_TRUE(eventually([&] { return pool.try_apply<int>("ok", 2).value_or(0) == 2; }));
}

TEST(EmbeddedEnd, LeavesNothingBehind) {
    {
        const Pool warm{chaos(1)};
    }
    const auto descriptors = open_descriptors(::getpid());
    for (int i = 0; i < 10; ++i) {
        Pool pool{chaos(2)};
        EXPECT_FALSE(pool.try_apply<void>("segv"));
        EXPECT_EQ(pool.apply<int>("ok", i), i);
    }
    EXPECT_EQ(open_descriptors(::getpid()), descriptors);
    EXPECT_THAT(descendants(::getpid()), IsEmpty());
    EXPECT_THAT(zombies(::getpid()), IsEmpty());
}

}  // namespace
}  // namespace caisson::test
