// SPDX-License-Identifier: Apache-2.0
#include "fleet/roster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>
#include <vector>

namespace caisson::fleet {
namespace {

/// A worker that has what the test says, and counts how often it is looked at.
class FakeWorker final : public Roster::Member {
   public:
    [[nodiscard]] std::uint32_t room() const override {
        ++looks;
        return has_room;
    }
    [[nodiscard]] std::size_t held() const override { return holds; }
    [[nodiscard]] bool running(CallToken) const override { return false; }
    void cancel(CallToken) override {}
    [[nodiscard]] std::vector<Part> take_back() override { return {}; }
    void kill(Exit::Kind, std::string) override {}
    void listen(bool) override {}
    [[nodiscard]] std::uint32_t id() const override { return 1; }
    [[nodiscard]] pid_t pid() const override { return 1; }

    std::uint32_t has_room = 1;
    std::size_t holds = 0;
    mutable std::size_t looks = 0;
};

class RosterTest : public testing::Test {
   protected:
    void make(std::size_t count) {
        for (; count > 0; --count) roster.note(workers.emplace_back());
    }
    std::vector<Hand*> find(std::size_t calls) {
        std::vector<Hand*> found;
        roster.find(found, calls);
        return found;
    }
    std::size_t looks() {
        std::size_t sum = 0;
        for (auto& worker : workers) sum += std::exchange(worker.looks, 0);
        return sum;
    }

    std::deque<FakeWorker> workers;
    Roster roster;
};

TEST_F(RosterTest, FindsAsManyOfTheIdleAsThereAreCalls) {
    make(5);
    EXPECT_EQ(find(2).size(), 2U);
    EXPECT_EQ(find(9).size(), 5U);
}

TEST_F(RosterTest, TheIdleComeBeforeTheBusy) {
    make(4);
    for (std::size_t i = 0; i < 3; ++i) workers[i].holds = 1;
    EXPECT_EQ(find(1), std::vector<Hand*>{&workers[3]});
    EXPECT_EQ(find(2).size(), 4U);
}

TEST_F(RosterTest, WhoHasNoRoomIsNotLookedAtAgainUntilItIsNoted) {
    make(1000);
    for (auto& worker : workers) {
        worker.holds = 1;
        worker.has_room = 0;
    }
    EXPECT_TRUE(find(1'000'000).empty());
    looks();
    EXPECT_TRUE(find(1'000'000).empty());
    EXPECT_EQ(looks(), 0U);
    workers[7].has_room = 1;
    roster.note(workers[7]);
    EXPECT_EQ(find(1'000'000), std::vector<Hand*>{&workers[7]});
    EXPECT_EQ(looks(), 1U);
}

TEST_F(RosterTest, OneCallCostsTheSameHoweverManyWorkersAreThere) {
    make(1000);
    for (auto& worker : workers) worker.holds = 1;  // fast ones, which take more behind what they run
    (void)find(1000);
    looks();
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(find(1).empty());
    EXPECT_LT(looks(), 100U * 20);
}

TEST_F(RosterTest, TheBusyTakeTurns) {
    make(100);
    for (auto& worker : workers) worker.holds = 1;
    std::vector<Hand*> found;
    for (int i = 0; i < 100; ++i) roster.find(found, 1);
    std::ranges::sort(found);
    found.erase(std::ranges::unique(found).begin(), found.end());
    EXPECT_EQ(found.size(), 100U);
}

TEST_F(RosterTest, WhoIsForgottenIsNeverFound) {
    make(3);
    workers[0].holds = 1;
    (void)find(3);
    roster.forget(workers[0]);
    roster.forget(workers[1]);
    EXPECT_EQ(find(10), std::vector<Hand*>{&workers[2]});
}

// Whatever happens, as long as it is noted: everybody with room is found when there is much to do, and nobody twice.
TEST_F(RosterTest, NobodyWithRoomIsMissed) {
    std::mt19937 random{20261122};
    make(20);
    for (int step = 0; step < 20'000; ++step) {
        auto& worker = workers[random() % workers.size()];
        switch (random() % 4) {
            case 0:  // it is given a call
                if (worker.has_room > 0) {
                    ++worker.holds;
                    worker.has_room = random() % 2;
                }
                break;
            case 1:  // it answers
                if (worker.holds > 0) {
                    --worker.holds;
                    worker.has_room = 1;
                    roster.note(worker);
                }
                break;
            case 2:  // it is silent
                if (worker.holds > 0) worker.has_room = 0;
                break;
            default:
                auto found = find(1 + random() % 40);
                std::ranges::sort(found);
                EXPECT_TRUE(std::ranges::adjacent_find(found) == found.end());
                for (auto* const hand : found) EXPECT_GT(hand->room(), 0U);
                const auto with_room = std::ranges::count_if(workers, [](auto& one) { return one.has_room > 0; });
                EXPECT_EQ(find(100).size(), static_cast<std::size_t>(with_room));
        }
    }
}

}  // namespace
}  // namespace caisson::fleet
