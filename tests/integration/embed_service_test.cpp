// SPDX-License-Identifier: Apache-2.0
/// The same pool, with workers of a running service; and pools inside plugins.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <caisson/pool.hpp>
#include <future>
#include <numeric>
#include <thread>

#include "support/eventually.hpp"
#include "support/processes.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::string chaos_section(int workers, std::string_view more = {}) {
    return "[pool.chaos]\nplugin = \"" + chaos_library() + "\"\nworkers = " + std::to_string(workers) + "\n" +
           std::string{more};
}
std::string fixture_section(std::string_view name, std::string_view more = {}) {
    return "[pool." + std::string{name} + "]\nplugin = \"" + fixture_library(name) + "\"\nworkers = 1\n" +
           std::string{more};
}

TEST(RemotePool, IsUsedAsAnEmbeddedOne) {
    const Service service{{.pools = "[pool.math]\nworkers = 2\n" + chaos_section(2)}};
    const auto session = connect(service.socket());
    Pool math = session.pool("math");
    EXPECT_EQ(math.name(), "math");
    EXPECT_THAT(math.map<std::int64_t>("square", {1, 2, 3, 4, 5}), ElementsAre(1, 4, 9, 16, 25));
    EXPECT_EQ(math.apply<int>("square", 7), 49);
    EXPECT_THAT(math.starmap<int>("pow", {{2, 3}, {3, 2}}), ElementsAre(8, 9));
    std::vector<std::int64_t> numbers(30'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    const auto squares = math.map<std::int64_t>("square", numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(squares[i], numbers[i] * numbers[i]);
    std::int64_t sum = 0;
    for (const auto square : math.imap<std::int64_t>("square", std::views::iota(0, 1000))) sum += square;
    EXPECT_EQ(sum, 332'833'500);

    Pool chaos = session.pool("chaos");
    EXPECT_EQ(chaos.call("echo", "bytes").bytes(), "bytes");
    const std::string large(5'000'000, 'l');
    EXPECT_TRUE(chaos.apply<std::string>("echo", large) == large);
    const auto failure = chaos.try_apply<void>("segv").error();
    EXPECT_EQ(failure.signal(), "SIGSEGV");
    EXPECT_THAT(failure.stack(), ::testing::Contains(HasSubstr("poke()")));
    EXPECT_THAT(chaos.workers(), SizeIs(2));
    EXPECT_EQ(service.workers("chaos").size(), 2U);
    chaos.resize(3);
    EXPECT_THAT(service.pool("chaos")["target"], 3);
    EXPECT_THAT(chaos.poison(), IsEmpty());
    EXPECT_EQ(chaos.clear_poison(), 0U);
}

TEST(RemotePool, SaysWhatIsWrong) {
    const Service service;
    EXPECT_THROW((void)connect("/no/such.sock"), PoolError);
    const auto session = connect(service.socket());
    try {
        (void)session.pool("maht");
        FAIL() << "there is no such pool";
    } catch (const PoolError& error) {
        EXPECT_STREQ(error.what(), "the service has no pool \"maht\": did you mean math?");
    }
    Pool math = session.pool("math");
    EXPECT_THROW(math.apply<int>("sqare", 1), PoolError);
    EXPECT_THROW((void)math.map<int>("square", {1}, {.chunk = 0}), PoolError);
}

TEST(RemotePool, CancelsAndCallsBack) {
    const Service service{{.pools = fixture_section("ledger") + chaos_section(1)}};
    const auto session = connect(service.socket());
    Pool pool = session.pool("chaos");
    const auto slow = pool.apply_async<int>("sleep", 60'000);
    const auto waits = pool.apply_async<int>("ok", 1);
    waits.cancel();
    EXPECT_EQ(waits.result().error().phase(), "waiting");
    slow.cancel();
    EXPECT_EQ(slow.result().error().outcome(), Outcome::cancelled);

    Pool ledger = session.pool("ledger");
    const Gate gate;
    std::promise<std::string> noted;
    std::string written;
    const auto future =
        ledger.apply_async<void>("write_and_gate", gate.path(),
                                 {.on_progress = [&](double, const std::string& note) { noted.set_value(note); },
                                  .on_piece = [&](std::string_view piece) { written += piece; }});
    EXPECT_EQ(noted.get_future().get(), "at the gate");
    gate.open("through");
    future.wait();
    ledger.close();
    ledger.join();
    EXPECT_EQ(written, "before through");
}

TEST(RemotePool, HoldsAStreamThatIsFasterThanItsCallback) {
    const Service service{{.pools = chaos_section(1)}};
    const auto session = connect(service.socket());
    Pool pool = session.pool("chaos");
    std::size_t taken = 0;
    std::size_t workers = 0;
    const auto future = pool.apply_async<void>("pour", 64 * 1024 * 1024, {.on_piece = [&](std::string_view piece) {
                                                   // A callback that waits for a call on the same session.
                                                   if (taken == 0) workers = pool.workers().size();
                                                   taken += piece.size();
                                               }});
    future.wait();
    pool.close();
    pool.join();
    EXPECT_EQ(taken, std::size_t{64} * 1024 * 1024);
    EXPECT_EQ(workers, 1U);
    EXPECT_LT(peak_resident_bytes(service.pid()), std::uint64_t{64} * 1024 * 1024);
}

TEST(RemotePool, EndsItsCallsAndLeavesTheServiceAlone) {
    const Service service{{.pools = chaos_section(2)}};
    const auto pids = service.workers("chaos");
    std::optional<Future<int>> call;
    {
        const auto session = connect(service.socket());
        Pool pool = session.pool("chaos");
        call = pool.apply_async<int>("sleep", 60'000);
        EXPECT_EQ(pool.apply<int>("ok", 1), 1);
    }
    EXPECT_EQ(call->result().error().outcome(), Outcome::cancelled);
    EXPECT_EQ(service.workers("chaos"), pids);
}

TEST(RemotePool, TellsThatItsServiceIsLost) {
    Service service{{.pools = chaos_section(1)}};
    const auto session = connect(service.socket());
    Pool pool = session.pool("chaos");
    const auto call = pool.apply_async<int>("sleep", 60'000);
    EXPECT_TRUE(eventually([&] { return pool.workers()[0].state == "running"; }));
    service.signal(SIGKILL);
    const auto failure = call.result().error();
    EXPECT_EQ(failure.outcome(), Outcome::crashed);
    EXPECT_EQ(failure.exit_kind(), "service_lost");
    EXPECT_EQ(pool.try_apply<int>("ok", 1).error().outcome(), Outcome::refused);
    EXPECT_THROW((void)pool.workers(), PoolError);
    (void)service.wait();
    service.start();
}

TEST(RemotePool, IsSharedByThreads) {
    const Service service{{.pools = "[pool.math]\nworkers = 2\n"}};
    const auto session = connect(service.socket());
    Pool pool = session.pool("math");
    std::atomic<int> right = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) right += pool.apply<int>("square", n) == n * n;
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(right, 400);
}

// ---- a pool in a plugin ---------------------------------------------------------------------------------------------

TEST(NestedPool, WorksInAConfinedWorkerOfAService) {
    const Service service{{.pools = fixture_section("nested")}};
    auto client = service.client();
    const auto squares = call(client, "nested.squares", "[1,2,3]");
    EXPECT_EQ(squares.outcome, Outcome::ok) << squares.json;
    EXPECT_EQ(squares.output, "[1,4,9]");
    const auto inner = call(client, "nested.crash_inside", Json(chaos_library()).dump());
    EXPECT_EQ(summary(inner), "failed internal");
    EXPECT_THAT(inner.message, StartsWith("chaos.segv crashed: SIGSEGV, address not mapped, at 0x0"));
    EXPECT_EQ(summary(call(client, "nested.die_at_work", Json(chaos_library()).dump())), "crashed signaled SIGABRT");
    service.await_pool("nested");
    // Nothing of the inner pool outlives its worker: the keeper, and the one worker.
    EXPECT_TRUE(eventually([&] { return descendants(service.pid()).size() == 2; }))
        << describe(descendants(service.pid()));
    EXPECT_EQ(call(client, "nested.squares", "[4]").output, "[16]");
}

TEST(NestedPool, WorksInAnEmbeddedPool) {
    Pool pool{{.plugin = fixture_library("nested"), .workers = 2}};
    const std::vector<std::vector<std::int64_t>> lists{{1, 2}, {3}, {}};
    const auto squares = pool.map<std::vector<std::int64_t>>("squares", lists);
    EXPECT_THAT(squares, ElementsAre(ElementsAre(1, 4), ElementsAre(9), IsEmpty()));
}

}  // namespace
}  // namespace caisson::test
