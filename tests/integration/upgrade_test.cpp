// SPDX-License-Identifier: Apache-2.0
/// Another version takes the place of a running service: its clients notice nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/ledger.hpp"
#include "support/load.hpp"
#include "support/raw_client.hpp"
#include "support/upgrades.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class UpgradeTest : public testing::Test {
   protected:
    [[nodiscard]] Configuration configuration(std::string service = {}) const {
        return {.pools = "[pool.math]\nworkers = 2\n" + ledger_.pool("ledger", "workers = 2\n") +
                         "[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n",
                .service = std::move(service),
                .program = install_.program()};
    }

    Install install_;
    Ledger ledger_;
    Gate gate_;
    Service service_{configuration()};
};

TEST_F(UpgradeTest, TheCommandLetsTheInstalledProgramTakeOver) {
    const auto old = service_.pid();
    const auto workers = watch_all(descendant_pids(old));
    const auto ended = service_.run({"--json", "upgrade"});
    ASSERT_EQ(ended.code, 0) << ended.err;
    const auto reply = Json::parse(ended.out);
    EXPECT_EQ(reply.at("was").at("pid"), old);
    service_.follow(reply.at("pid").get<pid_t>());
    EXPECT_NE(service_.pid(), old);
    EXPECT_THAT(left_after(workers, patience), testing::IsEmpty()) << "the old one's workers end with it";

    const auto supervisor = service_.status().at("supervisor");
    EXPECT_EQ(supervisor.at("pid"), service_.pid());
    EXPECT_EQ(supervisor.at("generation"), 2);
    EXPECT_EQ(supervisor.at("upgraded_from").at("pid"), old);
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
    EXPECT_THAT(service_.log(), HasSubstr("event=upgrade_started"));
    EXPECT_THAT(service_.log(), HasSubstr("event=upgraded"));

    const auto words = service_.run({"upgrade"});
    EXPECT_EQ(words.code, 0) << words.err;
    EXPECT_THAT(words.out, HasSubstr("has taken over from"));
    service_.follow(service_.status().at("supervisor").at("pid").get<pid_t>());
}

TEST_F(UpgradeTest, ASignalDoesTheSame) {
    const auto old = service_.pid();
    service_.signal(SIGUSR2);
    pid_t now = old;
    ASSERT_TRUE(eventually([&] { return (now = service_.status().at("supervisor").at("pid").get<pid_t>()) != old; }));
    service_.follow(now);
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(UpgradeTest, NoCallOfALoadIsLost) {
    Load load{service_.socket()};
    Load other{service_.socket()};
    load.await();
    for (int round = 0; round < 20; ++round) {
        upgrade(service_);
        load.await(50);
        other.await(50);
    }
    EXPECT_EQ(load.stop(), "");
    EXPECT_EQ(other.stop(), "");
    EXPECT_EQ(service_.status().at("supervisor").at("generation"), 21);
}

TEST_F(UpgradeTest, TheFirstOfThreeDoesNotEndTheLast) {
    Program running{service_.command({"call", "ledger.gate", gate_.path()})};
    service_.await_running("ledger", 1);
    const auto upgraded = [&] { return service_.request({{"verb", "upgrade"}}).at("pid").get<pid_t>(); };
    const auto second = upgraded();
    const auto third = upgraded();
    ::kill(second, SIGKILL);  // what it leaves behind comes to whoever asked for that
    gate_.open("through");
    service_.follow(third);
    EXPECT_EQ(service_.status().at("supervisor").at("pid"), third);
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(UpgradeTest, ASessionThatIsOpenGoesOn) {
    auto client = service_.client();
    EXPECT_EQ(call(client, "math.square", "7").output, "49");
    const RawClient stranger{service_.socket()};  // has not said hello
    upgrade(service_);
    EXPECT_EQ(call(client, "math.square", "8").output, "64");
    upgrade(service_);
    EXPECT_EQ(call(client, "math.square", "9").output, "81");
    EXPECT_TRUE(stranger.enters());
    EXPECT_EQ(service_.pool("math").at("calls").at("ok"), 1) << "the new one has served it";
}

TEST_F(UpgradeTest, HalfAFrameIsEnough) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.enters());
    const std::string body(100'000, 'x');
    const auto frame =
        frame_bytes({.type = wire::Type::call, .id = 7, .a = sizeof "chaos.echo" - 1}, "chaos.echo", body);
    ASSERT_TRUE(client.send(std::string_view{frame}.substr(0, 60'000)));
    upgrade(service_);
    ASSERT_TRUE(client.send(std::string_view{frame}.substr(60'000)));
    ASSERT_TRUE(client.heard());
    const auto answer = client.receive();
    EXPECT_EQ(answer.header.type, wire::Type::outcome);
    EXPECT_EQ(answer.header.id, 7U);
}

TEST_F(UpgradeTest, WhatAClientHasNotReadComesFromTheNewOne) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.enters());
    const std::string body(60'000, 'x');  // ten of them are more than the socket takes
    for (std::uint64_t id = 1; id <= 10; ++id) ASSERT_TRUE(client.call(id, "chaos.echo", body));
    ASSERT_TRUE(eventually([&] { return service_.pool("chaos").at("calls").at("ok") == 10; }));
    upgrade(service_);
    for (std::uint64_t id = 1; id <= 10; ++id) {
        ASSERT_TRUE(client.heard());
        const auto answer = client.receive();
        EXPECT_EQ(answer.header.type, wire::Type::outcome);
        EXPECT_EQ(answer.header.id, id);
        EXPECT_EQ(answer.payload.size(), answer.header.head_size + body.size());
    }
    ASSERT_TRUE(client.call(11, "math.square", "7"));
    ASSERT_TRUE(client.heard());
    EXPECT_EQ(client.receive().header.id, 11U);
}

TEST_F(UpgradeTest, AStreamThatNobodyReadsGoesOnWhenItIsRead) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.enters());
    constexpr std::string_view target = "ledger.pour";
    ASSERT_TRUE(client.send({.type = wire::Type::call, .flags = wire::flag::stream, .id = 1, .a = target.size()},
                            target, "24"));
    service_.await_running("ledger", 1);
    const auto reply = service_.request({{"verb", "upgrade"}});
    std::size_t bytes = 0;
    for (bool ended = false; !ended;) {
        ASSERT_TRUE(client.heard());
        const auto frame = client.receive();
        ended = frame.header.type == wire::Type::outcome;
        bytes += frame.payload.size() - frame.header.head_size;
    }
    EXPECT_EQ(bytes, 24U * 1024 * 1024);
    service_.follow(reply.at("pid").get<pid_t>());
    ASSERT_TRUE(client.call(2, "math.square", "7"));
    ASSERT_TRUE(client.heard());
    EXPECT_EQ(client.receive().header.id, 2U);
}

TEST_F(UpgradeTest, LargePayloadsTravelBeforeAndAfter) {
    auto client = service_.client();
    const std::string body(1'000'000, 'x');
    for (int round = 0; round < 3; ++round) {
        EXPECT_TRUE(call(client, "ledger.twice", body).bytes() == body + body);
        upgrade(service_);
    }
}

TEST_F(UpgradeTest, ACallThatRunsEndsInTheOldOneOnTheSameSession) {
    auto client = service_.client();
    ASSERT_TRUE(client.submit({.target = "ledger.gate", .body = wire::bytes_of(gate_.path())}));
    ASSERT_TRUE(client.flush());
    service_.await_running("ledger", 1);
    const auto reply = service_.request({{"verb", "upgrade"}});
    EXPECT_TRUE(service_.running()) << "it has a call to end";
    // Others are served meanwhile, and what the same client asks for now waits for the way to the new one.
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
    ASSERT_TRUE(client.submit({.target = "math.square", .body = wire::bytes_of("8")}));
    ASSERT_TRUE(client.flush());
    gate_.open("its answer");
    std::vector<std::string> outputs;
    for (int i = 0; i < 2; ++i) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        outputs.push_back(std::get<Done>(**event).result.output);
    }
    EXPECT_THAT(outputs, ElementsAre("its answer", "64"));
    service_.follow(reply.at("pid").get<pid_t>());
    EXPECT_EQ(service_.pool("ledger").at("calls").at("ok"), 0) << "the old one has answered it";
}

TEST_F(UpgradeTest, ACallThatRunsCanBeCancelledInTheOldOne) {
    auto client = service_.client();
    const auto id = client.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")});
    ASSERT_TRUE(id && client.flush());
    service_.await_running("chaos", 1);
    const auto reply = service_.request({{"verb", "upgrade"}});
    client.cancel(*id);
    ASSERT_TRUE(client.flush());
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_THAT(summary(std::get<Done>(**event).result), HasSubstr("cancelled"));
    service_.follow(reply.at("pid").get<pid_t>());
    EXPECT_EQ(call(client, "math.square", "7").output, "49");
}

TEST_F(UpgradeTest, TheDrainBoundsIt) {
    service_.configure(configuration("drain = \"100ms\"\n"));
    ASSERT_EQ(service_.run({"reload"}).code, 0);
    auto client = service_.client();
    ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")}));
    ASSERT_TRUE(client.flush());
    service_.await_running("chaos", 1);
    upgrade(service_);
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_THAT(summary(std::get<Done>(**event).result), HasSubstr("cancelled"));
    EXPECT_EQ(call(client, "math.square", "7").output, "49") << "its session goes on";
}

TEST_F(UpgradeTest, AnotherUpgradeMayFollowBeforeTheOldOneHasEnded) {
    auto client = service_.client();
    ASSERT_TRUE(client.submit({.target = "ledger.gate", .body = wire::bytes_of(gate_.path())}));
    ASSERT_TRUE(client.flush());
    service_.await_running("ledger", 1);
    (void)service_.request({{"verb", "upgrade"}});
    const auto second = service_.request({{"verb", "upgrade"}});
    gate_.open("late");
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_EQ(std::get<Done>(**event).result.output, "late");
    EXPECT_EQ(call(client, "math.square", "7").output, "49") << "through the second to the third";
    service_.follow(second.at("pid").get<pid_t>());
    EXPECT_EQ(service_.status().at("supervisor").at("generation"), 3);
}

TEST_F(UpgradeTest, WhatOperatorsAndCrashesHaveMadeOfItSurvives) {
    for (int i = 0; i < 3; ++i) {
        auto client = service_.client();
        ASSERT_EQ(summary(call(client, "ledger.segv", "bad")), "crashed signaled SIGSEGV");
    }
    ASSERT_EQ(service_.run({"resize", "math", "5"}).code, 0);
    ASSERT_EQ(service_.run({"drain", "chaos"}).code, 0);
    const auto crashes = service_.crashes();
    upgrade(service_);
    auto client = service_.client();
    EXPECT_EQ(summary(call(client, "ledger.segv", "bad")), "refused poison.crashes");
    EXPECT_TRUE(eventually([&] { return service_.workers("math").size() == 5; })) << service_.pool("math");
    EXPECT_EQ(service_.crashes().size(), crashes.size());
    EXPECT_THAT(summary(call(client, "chaos.ok", "7")), HasSubstr("refused"));
    EXPECT_EQ(service_.run({"resume", "chaos"}).code, 0);
    EXPECT_EQ(call(client, "chaos.ok", "7").output, "7");
    EXPECT_THAT(ledger_.lines(), SizeIs(3));
}

TEST_F(UpgradeTest, WhatIsInstalledIsForTheNextOneAlone) {
    install_.replace("caisson-worker", "not a program");
    install_.replace("caisson-keeper", "not a program");
    auto client = service_.client();
    EXPECT_EQ(summary(call(client, "chaos.segv")), "crashed signaled SIGSEGV");
    service_.await_pool("chaos");
    ASSERT_EQ(::kill(service_.keeper(), SIGKILL), 0);
    EXPECT_EQ(call(client, "math.square", "7").output, "49");
    service_.await_pool("math");
}

TEST_F(UpgradeTest, WhenTheNewOneDiesNobodyOutlivesItAndAnotherStarts) {
    upgrade(service_);
    const auto everybody = watch_all(descendant_pids(service_.pid()));
    service_.signal(SIGKILL);
    EXPECT_EQ(service_.wait().code, 128 + SIGKILL);
    EXPECT_THAT(left_after(everybody, 2s), testing::IsEmpty());
    service_.start();
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

TEST_F(UpgradeTest, TheNewOneStopsInOrder) {
    upgrade(service_);
    const auto ended = service_.run({"stop"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(service_.wait().code, 0);
    EXPECT_FALSE(std::filesystem::exists(service_.socket()));
    service_.start();
}

}  // namespace
}  // namespace caisson::test
