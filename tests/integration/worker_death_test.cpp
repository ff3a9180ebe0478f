// SPDX-License-Identifier: Apache-2.0
/// A worker that dies takes nothing with it but the call it ran, and no call is run twice. The plugin `ledger` writes
/// down every start.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iterator>
#include <map>
#include <sstream>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

class WorkerDeath : public testing::Test {
   protected:
    explicit WorkerDeath(int workers = 4)
        : service_({.pools = "[pool.math]\nworkers = 4\n[pool.ledger]\nworkers = " + std::to_string(workers) +
                             "\nplugin = \"" + fixture_library("ledger") +
                             "\"\n[pool.ledger.restart]\ncall_crashes = 10000\n[pool.ledger.env]\nCAISSON_LEDGER = \"" +
                             (folder_ / "ledger").string() + "\"\n"}) {}

    /// Lines of the ledger, with how often each stands there.
    [[nodiscard]] std::map<std::string, int> starts() const {
        std::map<std::string, int> count;
        std::istringstream lines{read_file(folder_ / "ledger")};
        for (std::string line; std::getline(lines, line);) ++count[line];
        return count;
    }

    /// Submits a call of ledger; its body is its name in the ledger.
    void submit(Client& client, const std::string& method, const std::string& name) {
        const auto id = client.submit({.target = "ledger." + method, .body = wire::bytes_of(name)});
        ASSERT_TRUE(id) << id.error().message;
        names_[*id] = name;
    }

    /// The next end of a call: its name and how.
    void take_one(Client& client) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event) << "a call did not end";
        const auto& done = std::get<Done>(**event);
        ASSERT_TRUE(names_.contains(done.call)) << "a call ended twice";
        ends_[names_[done.call]] = summary(done.result);
        names_.erase(done.call);
    }
    void take_all(Client& client) {
        while (client.outstanding() > 0 && !HasFatalFailure()) take_one(client);
    }

    /// Calls of the batch that did not end ok.
    [[nodiscard]] std::vector<std::string> not_ok() const {
        std::vector<std::string> list;
        for (const auto& [name, end] : ends_)
            if (end != "ok") list.push_back(end);
        return list;
    }

    /// What ended ok was started once, and nothing was started twice.
    void expect_no_start_twice() const {
        const auto started = starts();
        for (const auto& [name, count] : started) EXPECT_EQ(count, 1) << name;
        for (const auto& [name, end] : ends_) {
            EXPECT_TRUE(end != "ok" || started.contains(name)) << name << " was answered and never started";
        }
    }

    Folder folder_;
    Service service_;
    std::map<std::uint64_t, std::string> names_;
    std::map<std::string, std::string> ends_;
};

class DeathOfTheOnlyWorker : public WorkerDeath {
   protected:
    DeathOfTheOnlyWorker() : WorkerDeath(1) {}

    /// Quick calls, so that the supervisor learns to send some ahead.
    void warm_up(Client& client, const std::string& round) {
        for (int i = 0; i < 40; ++i) submit(client, "note", round + "-warm-" + std::to_string(i));
        take_all(client);
    }
};

TEST_F(WorkerDeath, AnIdleWorkerIsReplaced) {
    const auto before = service_.workers("math");
    Load load{service_.socket()};
    ASSERT_EQ(load.stop(), "");
    const Watched victim{before[1]};
    ASSERT_EQ(::kill(before[1], SIGKILL), 0);
    ASSERT_TRUE(victim.gone_within());

    std::vector<pid_t> now;
    ASSERT_TRUE(eventually([&] { return (now = service_.workers("math")).size() == 4 && now != before; }));
    EXPECT_EQ(now[0], before[0]);
    EXPECT_EQ(now[2], before[2]);
    EXPECT_EQ(now[3], before[3]);
    auto client = service_.client();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(call(client, "math.square", "3").output, "9");
    const auto pool = service_.pool("math");
    EXPECT_EQ(pool.at("calls").at("crashed"), 0);
    EXPECT_EQ(pool.at("restarts"), 1);
    const auto crashes = service_.crashes();
    ASSERT_EQ(crashes.size(), 1U);
    EXPECT_FALSE(crashes[0].contains("method")) << "no call ran";
}

TEST_F(WorkerDeath, InTheMiddleOfABatchCostsOneCallAtMost) {
    constexpr int calls = 200;
    for (int round = 0; round < 5; ++round) {
        ends_.clear();
        auto client = service_.client();
        const auto victims = service_.workers("ledger");
        for (int i = 0; i < calls; ++i) submit(client, "note", std::to_string(round) + "-" + std::to_string(i));
        ASSERT_TRUE(client.flush());
        for (int i = 0; i <= round * 5; ++i) take_one(client);
        ::kill(victims.at(static_cast<std::size_t>(round) % victims.size()), SIGKILL);
        take_all(client);
        EXPECT_EQ(ends_.size(), std::size_t{calls});
        const auto bad = not_ok();
        EXPECT_LE(bad.size(), 1U);
        for (const auto& end : bad) EXPECT_EQ(end, "crashed signaled SIGKILL");
        expect_no_start_twice();
        ASSERT_TRUE(eventually([&] { return service_.workers("ledger").size() == 4; }));
    }
}

TEST_F(WorkerDeath, OfAllAtOnceCostsTheirRunningCallsAtMost) {
    constexpr int calls = 2000;
    auto client = service_.client();
    const auto victims = service_.workers("ledger");
    for (int i = 0; i < calls; ++i) submit(client, "note", std::to_string(i));
    ASSERT_TRUE(client.flush());
    take_one(client);
    for (const pid_t victim : victims) ::kill(victim, SIGKILL);
    take_all(client);
    EXPECT_EQ(ends_.size(), std::size_t{calls});
    EXPECT_LE(not_ok().size(), victims.size());
    expect_no_start_twice();
    service_.await_pool("ledger");
}

TEST_F(WorkerDeath, OfAllWhileIdleHarmsNoCall) {
    const auto victims = service_.workers("math");
    for (const pid_t victim : victims) ::kill(victim, SIGKILL);
    auto client = service_.client();
    for (int i = 0; i < 20; ++i) EXPECT_EQ(call(client, "math.square", "3").output, "9");
    ASSERT_TRUE(eventually([&] { return service_.workers("math").size() == 4; }));
    EXPECT_EQ(service_.pool("math").at("calls").at("crashed"), 0);
}

// a and b are finished, c kills the worker, d and e wait in its socket or its buffer: one call is lost, whatever the
// worker had sent by then.
TEST_F(DeathOfTheOnlyWorker, WhatWasFinishedAndNotSentSurvives) {
    for (int round = 0; round < 40; ++round) {
        auto client = service_.client();
        const auto prefix = std::to_string(round);
        warm_up(client, prefix);
        ends_.clear();
        const std::string death = round % 2 == 0 ? "segv" : "die";
        for (const auto& name : {"a", "b"}) submit(client, "note", prefix + name);
        submit(client, death, prefix + "c");
        for (const auto& name : {"d", "e"}) submit(client, "note", prefix + name);
        take_all(client);
        const std::string crash = death == "segv" ? "crashed signaled SIGSEGV" : "crashed signaled SIGKILL";
        const std::map<std::string, std::string> expected{{prefix + "a", "ok"},
                                                          {prefix + "b", "ok"},
                                                          {prefix + "c", crash},
                                                          {prefix + "d", "ok"},
                                                          {prefix + "e", "ok"}};
        ASSERT_EQ(ends_, expected) << "round " << round;
    }
    expect_no_start_twice();
}

// All in one batch: the calls behind a crash are already in the dying worker.
TEST_F(DeathOfTheOnlyWorker, EveryTenthCallOfABatch) {
    auto client = service_.client();
    warm_up(client, "w");
    ends_.clear();
    for (int i = 0; i < 300; ++i) submit(client, i % 10 == 9 ? "die" : "note", std::to_string(i));
    take_all(client);
    EXPECT_EQ(ends_.size(), 300U);
    const auto bad = not_ok();
    EXPECT_EQ(bad.size(), 30U);
    for (const auto& end : bad) EXPECT_EQ(end, "crashed signaled SIGKILL");
    expect_no_start_twice();
}

}  // namespace
}  // namespace caisson::test
