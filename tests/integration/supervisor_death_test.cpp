// SPDX-License-Identifier: Apache-2.0
/// When the supervisor dies, whatever it had started dies with it, and another can start at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

/// The promise: nobody outlives the supervisor by more.
constexpr auto promised = 2s;

class SupervisorDeath : public testing::Test {
   protected:
    Service service_{
        {.pools = "[pool.math]\nworkers = 8\n[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() + "\"\n"}};
};

TEST_F(SupervisorDeath, NobodyOutlivesIt) {
    auto client = service_.client();
    const auto daemon = std::stoi(call(client, "chaos.daemonize").output);
    const auto other = std::stoi(call(client, "chaos.daemonize").output);
    EXPECT_EQ(call(client, "chaos.fork_bomb", "8").output, "8");
    std::vector<pid_t> everybody;
    // Keeper, workers, daemons, bombs, each of which forks once more.
    EXPECT_TRUE(eventually([&] { return (everybody = descendant_pids(service_.pid())).size() == 1 + 8 + 2 + 2 + 16; }));
    EXPECT_THAT(everybody, testing::IsSupersetOf({daemon, other}));
    const auto watched = watch_all(everybody);

    service_.signal(SIGKILL);
    EXPECT_EQ(service_.wait().code, 128 + SIGKILL);
    EXPECT_THAT(left_after(watched, promised), testing::IsEmpty());
    service_.start();  // for the checks at its end
}

TEST_F(SupervisorDeath, WorkersThatRunOrHangDieToo) {
    auto client = service_.client();
    for (const auto* const target : {"chaos.ignore_term", "chaos.sigstop_self"}) {
        const auto id = client.submit({.target = target, .timeout = 0ms});
        ASSERT_TRUE(id);
    }
    ASSERT_TRUE(client.flush());
    service_.await_running("chaos", 2);
    const auto watched = watch_all(descendant_pids(service_.pid()));
    service_.signal(SIGKILL);
    (void)service_.wait();
    EXPECT_THAT(left_after(watched, promised), testing::IsEmpty());

    // Its clients are told.
    for (int i = 0; i < 2; ++i) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        EXPECT_EQ(summary(std::get<Done>(**event).result), "crashed service_lost");
    }
    service_.start();
}

TEST_F(SupervisorDeath, AnotherStartsAtOnceOverTheOldSocket) {
    const auto before = service_.pid();
    for (int round = 0; round < 3; ++round) {
        service_.signal(SIGKILL);
        (void)service_.wait();
        EXPECT_TRUE(std::filesystem::is_socket(service_.socket())) << "it had no time to remove it";
        service_.start();
        EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
    }
    EXPECT_NE(service_.pid(), before);
}

TEST_F(SupervisorDeath, ADeadSupervisorIsSaidToClients) {
    service_.signal(SIGKILL);
    (void)service_.wait();
    const auto ended = service_.run({"call", "math.square", "7"});
    EXPECT_EQ(ended.code, 3);
    EXPECT_THAT(ended.err, testing::HasSubstr("nobody listens"));
    EXPECT_THAT(ended.err, testing::HasSubstr("caisson serve"));
    service_.start();
}

TEST_F(SupervisorDeath, ItsKeeperIsReplacedAndTheServiceGoesOn) {
    const auto supervisor = service_.pid();
    for (int round = 0; round < 2; ++round) {
        const auto keeper = service_.keeper();
        const auto math = service_.workers("math");
        auto before = service_.client();
        ASSERT_GT(std::stoi(call(before, "chaos.daemonize").output), 0);
        const auto children = watch_all(descendant_pids(service_.pid()));
        ASSERT_EQ(::kill(keeper, SIGKILL), 0);
        EXPECT_THAT(left_after(children, promised), testing::IsEmpty()) << "its workers die with it";

        auto client = service_.client();
        EXPECT_EQ(call(client, "math.square", "7").output, "49");
        std::vector<pid_t> now;
        EXPECT_TRUE(eventually([&] { return (now = service_.workers("math")).size() == 8; })) << service_.pool("math");
        EXPECT_THAT(now, testing::Each(testing::Not(testing::AnyOfArray(math))));
        EXPECT_NE(service_.keeper(), keeper);
        EXPECT_EQ(service_.status().at("supervisor").at("pid"), supervisor);
        EXPECT_TRUE(eventually([&] { return zombies(supervisor).empty(); })) << "the dead keeper was not reaped";
    }
}

}  // namespace
}  // namespace caisson::test
