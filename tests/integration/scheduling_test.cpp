// SPDX-License-Identifier: Apache-2.0
/// Who waits for whom: nobody behind a slow call while a worker idles, the urgent first, and callers in turn. With
/// default settings.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class Scheduling : public testing::Test {
   protected:
    /// All of it: what the socket does not take at once, when the service has read.
    [[nodiscard]] static bool sent(Client& client) {
        return eventually([&] { return client.flush().has_value() && client.unsent() == 0; });
    }
    /// Lets one call of the pool of one worker run until the gate opens, so that what is submitted meanwhile waits.
    void fill() {
        blocker_ = blocked_.submit({.target = "ledger.gate", .body = wire::bytes_of(gate_path_)});
        ASSERT_TRUE(client_.flush());
        service_.await_running("ledger", 1);
    }
    void await_queued(std::size_t calls) const {
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == calls; }))
            << service_.pool("ledger").dump();
    }

    Ledger ledger_;
    Service service_{
        {.pools = ledger_.pool("ledger") + "[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() + "\"\n"}};
    Gate gate_;
    std::string gate_path_ = gate_.path();
    Client client_ = service_.client();
    Ends blocked_{client_};
    std::uint64_t blocker_ = 0;
};

TEST_F(Scheduling, TenThousandTinyCallsEndBeforeASlowOneInFlight) {
    auto client = service_.client();
    Ends ends{client};
    const auto slow = ends.submit({.target = "chaos.sleep", .body = wire::bytes_of("5000")});
    ASSERT_TRUE(client.flush());
    service_.await_running("chaos", 1);
    for (int i = 0; i < 10'000; ++i) ends.submit({.target = "chaos.ok", .body = wire::bytes_of(std::to_string(i))});
    while (ends.size() < 10'000) {
        ends.take_one();
        ASSERT_EQ(ends.of(slow), "");
    }
    EXPECT_EQ(ends.await(slow), "ok 5000");
    EXPECT_EQ(ends.count()["ok"], 10'001);
}

TEST_F(Scheduling, TheItemsOfABatchDoNotWaitForASlowCallEither) {
    auto client = service_.client();
    Ends ends{client};
    const auto slow = ends.submit({.target = "chaos.sleep", .body = wire::bytes_of("5000")});
    ASSERT_TRUE(client.flush());
    service_.await_running("chaos", 1);
    for (int i = 0; i < 4; ++i) ends.submit({.target = "chaos.ok"}, std::vector<std::string>(4096, "7"));
    while (ends.size() < 4 * 4096) {
        ends.take_one();
        ASSERT_EQ(ends.of(slow), "");
    }
    EXPECT_EQ(ends.await(slow), "ok 5000");
}

// Slow ones stand anywhere among the quick ones, and one of the two workers is always free for these.
TEST_F(Scheduling, NoQuickCallWaitsForOneThatNeverEnds) {
    auto client = service_.client();
    std::mt19937 chance{4711};
    for (int round = 0; round < 20; ++round) {
        Ends ends{client};
        const auto place = std::uniform_int_distribution{0, 299}(chance);
        const bool in_batch = round % 2 == 0;
        std::uint64_t slow = 0;
        for (int i = 0; i < 300; ++i) {
            if (i == place) slow = ends.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")});
            if (in_batch && i % 50 == 0) ends.submit({.target = "chaos.ok"}, std::vector<std::string>(50, "1"));
            if (!in_batch) ends.submit({.target = "chaos.ok", .body = wire::bytes_of("1")});
        }
        while (ends.size() < 300) ends.take_one();
        ASSERT_EQ(ends.of(slow), "");
        client.cancel(slow);
        EXPECT_EQ(ends.await(slow), "cancelled running");
    }
}

// The slow item runs in one worker; what was sent along with it goes to the other.
TEST_F(Scheduling, NoItemOfABatchWaitsBehindASlowOneOfTheSameBatch) {
    auto client = service_.client();
    Ends ends{client};
    ends.submit({.target = "chaos.sleep"}, std::vector<std::string>(200, "0"));  // they look quick
    ends.take_all();
    std::vector<std::string> bodies(1000, "0");
    bodies[300] = "600000";
    const auto batch = ends.submit({.target = "chaos.sleep"}, bodies);
    while (ends.size() < 1199) ends.take_one();
    EXPECT_EQ(ends.of(batch, 300), "");
    client.cancel(batch);
    EXPECT_EQ(ends.await(batch, 300), "cancelled running");
}

TEST_F(Scheduling, MoreUrgentCallsStartFirst) {
    fill();
    auto client = service_.client();
    Ends ends{client};
    for (const int priority : {-5, 0, 9, -10, 10, 0, 9})
        ends.submit({.target = "ledger.note",
                     .body = wire::bytes_of("priority " + std::to_string(priority)),
                     .priority = priority});
    ASSERT_TRUE(client.flush());
    await_queued(7);
    gate_.open("");
    ends.take_all();
    EXPECT_THAT(ledger_.lines(), ElementsAre("priority 10", "priority 9", "priority 9", "priority 0", "priority 0",
                                             "priority -5", "priority -10"));
}

TEST_F(Scheduling, AnUrgentCallOvertakesABatch) {
    fill();
    auto client = service_.client();
    Ends ends{client};
    ends.submit({.target = "ledger.note"}, {"1", "2", "3"});
    ends.submit({.target = "ledger.note", .body = wire::bytes_of("first"), .priority = 1});
    ASSERT_TRUE(client.flush());
    await_queued(4);
    gate_.open("");
    ends.take_all();
    EXPECT_THAT(ledger_.lines(), ElementsAre("first", "1", "2", "3"));
}

// What stands in the ledger when the last call of the late caller had been started is at most a few turns of the other.
TEST_F(Scheduling, CallersTakeTurns) {
    fill();
    auto early = service_.client();
    auto late = service_.client();
    Ends many{early};
    Ends few{late};
    for (int i = 0; i < 5000; ++i) many.submit({.target = "ledger.note", .body = wire::bytes_of("many")});
    ASSERT_TRUE(sent(early));
    await_queued(5000);
    for (int i = 0; i < 10; ++i) few.submit({.target = "ledger.note", .body = wire::bytes_of("few")});
    ASSERT_TRUE(late.flush());
    await_queued(5010);
    gate_.open("");
    few.take_all();
    many.take_all();
    const auto lines = ledger_.lines();
    ASSERT_THAT(lines, SizeIs(5010));
    const auto last = std::ranges::find(lines.rbegin(), lines.rend(), "few");
    EXPECT_LT(lines.rend() - last, 500);
}

TEST_F(Scheduling, ACallerWithABatchTakesTurnsToo) {
    fill();
    auto early = service_.client();
    auto late = service_.client();
    Ends many{early};
    Ends few{late};
    many.submit({.target = "ledger.note"}, std::vector<std::string>(4096, "many"));
    ASSERT_TRUE(sent(early));
    await_queued(4096);
    for (int i = 0; i < 10; ++i) few.submit({.target = "ledger.note", .body = wire::bytes_of("few")});
    ASSERT_TRUE(late.flush());
    await_queued(4106);
    gate_.open("");
    few.take_all();
    many.take_all();
    const auto lines = ledger_.lines();
    ASSERT_THAT(lines, SizeIs(4106));
    const auto last = std::ranges::find(lines.rbegin(), lines.rend(), "few");
    EXPECT_LT(lines.rend() - last, 1000);
    EXPECT_EQ(many.count()["ok"], 4096);
}

// A caller of many sessions is as many callers; the one who asks little is served in between all of them.
TEST_F(Scheduling, OneQuickCallIsAnsweredWhileOthersAreQueuedByTheThousand) {
    std::vector<Client> clients;
    for (int i = 0; i < 4; ++i) clients.push_back(service_.client());
    std::vector<Ends> all;
    all.reserve(clients.size());
    for (auto& client : clients) {
        auto& ends = all.emplace_back(client);
        for (int i = 0; i < 20; ++i) ends.submit({.target = "chaos.sleep"}, std::vector<std::string>(1000, "1"));
        ASSERT_TRUE(client.flush());
    }
    ASSERT_TRUE(eventually([&] { return service_.pool("chaos").at("queued") > 70'000; }));
    auto client = service_.client();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(call(client, "chaos.ok", "1").output, "1");
    EXPECT_GT(service_.pool("chaos").at("queued"), 60'000);
}

}  // namespace
}  // namespace caisson::test
