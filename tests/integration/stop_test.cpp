// SPDX-License-Identifier: Apache-2.0
/// The end of a service: what it has accepted is finished, what does not end is ended, and nothing stays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

class Stop : public testing::Test {
   protected:
    Service service_{{.pools = R"(
[defaults]
workers = 2
[defaults.stop]
grace = "200ms"
[pool.math]
[pool.ledger]
plugin = ")" + fixture_library("ledger") +
                               R"("
[pool.chaos]
plugin = ")" + chaos_library() +
                               "\"\n"}};
    Gate gate_;
};

TEST_F(Stop, SigtermLetsARunningCallEndAndTakesNoOther) {
    Program running{service_.command({"call", "ledger.gate", gate_.path()})};
    service_.await_running("ledger", 1);
    service_.signal(SIGTERM);
    service_.await_state("stopping");

    const auto late = service_.run({"call", "math.square", "7"});
    EXPECT_EQ(late.code, 6);
    EXPECT_THAT(late.err, HasSubstr("the service is stopping"));
    const auto reload = service_.run({"reload"});
    EXPECT_EQ(reload.code, 6);
    EXPECT_THAT(reload.err, HasSubstr("the service is stopping"));

    gate_.open("its answer");
    const auto ended = running.wait();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "its answer");
    EXPECT_EQ(service_.wait().code, 0);
    EXPECT_FALSE(std::filesystem::exists(service_.socket()));
}

TEST_F(Stop, SigtermFinishesWhatWaitsToo) {
    auto client = service_.client();
    for (int i = 0; i < 500; ++i) {
        const auto text = std::to_string(i);
        ASSERT_TRUE(client.submit({.target = "math.square", .body = wire::bytes_of(text)}));
    }
    ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("300")}));
    ASSERT_TRUE(client.flush());
    service_.await_running("chaos", 1);
    service_.signal(SIGTERM);
    for (int i = 0; i <= 500; ++i) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        EXPECT_EQ(summary(std::get<Done>(**event).result), "ok");
    }
    EXPECT_EQ(service_.wait().code, 0);
}

TEST_F(Stop, TwoSigintsDoNotWait) {
    Program running{service_.command({"call", "ledger.gate", gate_.path()})};
    service_.await_running("ledger", 1);
    service_.signal(SIGINT);
    service_.await_state("stopping");
    EXPECT_TRUE(service_.running());
    service_.signal(SIGINT);
    EXPECT_EQ(service_.wait().code, 0);
    const auto ended = running.wait();
    EXPECT_EQ(ended.code, 8) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("the service stopped"));
    EXPECT_FALSE(std::filesystem::exists(service_.socket()));
}

TEST_F(Stop, TheCommandReturnsWhenTheServiceHasGone) {
    const auto ended = service_.run({"stop"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "the service has stopped\n");
    EXPECT_FALSE(service_.running());
    EXPECT_EQ(service_.wait().code, 0);
    EXPECT_FALSE(std::filesystem::exists(service_.socket()));
    EXPECT_EQ(service_.run({"stop"}).code, 3);
}

TEST_F(Stop, AWorkerThatIgnoresSigtermIsKilled) {
    Program running{service_.command({"call", "chaos.ignore_term"})};
    Program stopped{service_.command({"call", "chaos.sigstop_self"})};
    service_.await_running("chaos", 2);
    const auto ended = service_.run({"stop", "--now"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(service_.wait().code, 0);
    for (auto* const program : {&running, &stopped}) {
        const auto result = program->wait();
        // SIGCONT comes with SIGTERM: the one that had stopped itself may still answer.
        EXPECT_TRUE(result.code == 8 || (program == &stopped && result.code == 0)) << result.code << result.err;
    }
}

TEST_F(Stop, WhatAPluginLeftBehindEndsToo) {
    auto client = service_.client();
    const Watched daemon{std::stoi(call(client, "chaos.daemonize").output)};
    EXPECT_EQ(service_.stop().code, 0);
    EXPECT_TRUE(daemon.gone_within(0ms)) << "it outlived the supervisor";
}

TEST_F(Stop, OfAServiceWhoseDrainIsOverCancelsWhatRuns) {
    service_.configure({.pools = "[pool.math]\nworkers = 2\n[pool.chaos]\nplugin = \"" + chaos_library() + "\"\n",
                        .service = "drain = \"50ms\"\n"});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    service_.await_pool("chaos");
    Program running{service_.command({"call", "chaos.sleep", "600000"})};
    service_.await_running("chaos", 1);
    EXPECT_EQ(service_.stop().code, 0);
    const auto ended = running.wait();
    EXPECT_EQ(ended.code, 8) << ended.err;
}

TEST_F(Stop, AnotherServiceStartsAfterIt) {
    EXPECT_EQ(service_.stop().code, 0);
    service_.start();
    EXPECT_EQ(service_.run({"call", "math.square", "7"}).out, "49");
}

}  // namespace
}  // namespace caisson::test
