// SPDX-License-Identifier: Apache-2.0
/// Clients that break the protocol, flood, or do not listen: each is let go by a named bound, and no other client's
/// call notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "support/load.hpp"
#include "support/raw_client.hpp"
#include "support/service.hpp"
#include "wire/handshake.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using wire::Type;

constexpr std::uint64_t MiB = 1024 * 1024;

#if defined(CAISSON_SANITIZED)
constexpr std::uint64_t overhead = 512 * MiB;  // a sanitizer keeps what was freed
#else
constexpr std::uint64_t overhead = 48 * MiB;
#endif

class HostileClient : public testing::Test {
   protected:
    HostileClient() { load_.await(); }
    ~HostileClient() override {
        try {
            load_.await();
        } catch (const std::exception& error) {
            ADD_FAILURE() << error.what();
        }
        EXPECT_EQ(load_.stop(), "");
        EXPECT_EQ(service_.workers("math"), math_);
    }

    Service service_{
        {.pools = "[pool.math]\nworkers = 2\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n",
         .service = "handshake_timeout = \"1s\"\nmax_sessions = 8\n"}};
    std::vector<pid_t> math_ = service_.workers("math");
    Load load_{service_.socket()};
};

TEST_F(HostileClient, GarbageInsteadOfAHello) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937 chance{seed};
        std::string garbage(4096, '\0');
        std::ranges::generate(garbage, [&] { return static_cast<char>(chance()); });
        const RawClient client{service_.socket()};
        (void)client.send(garbage);
        (void)client.read_to_end();
    }
}

TEST_F(HostileClient, GarbageAfterAHello) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.send(std::string(4096, '\xff')));
    (void)client.read_to_end();
    service_.await_log("it broke the protocol");
}

TEST_F(HostileClient, AnAnnouncedFrameThatIsHuge) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    const wire::Header header{.payload_size = UINT32_MAX, .type = Type::call, .id = 1};
    ASSERT_TRUE(client.send({reinterpret_cast<const char*>(&header), sizeof header}));
    (void)client.read_to_end();
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + overhead);
}

TEST_F(HostileClient, ACallBeforeAHello) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.call(1, "math.square", "7"));
    EXPECT_THAT(client.read_to_end(), HasSubstr("the first frame must be hello"));
}

TEST_F(HostileClient, AVersionThatNobodySpeaks) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.send({.type = Type::hello, .a = wire::VersionRange{.min = 77, .max = 99}.packed()}, "{}"));
    EXPECT_THAT(client.read_to_end(), HasSubstr("no common version"));
}

TEST_F(HostileClient, ATargetThatIsLargerThanItsHead) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.send({.type = Type::call, .id = 1, .a = 4000}, "math.square", "7"));
    EXPECT_THAT(client.read_to_end(), HasSubstr("a broken call"));
}

TEST_F(HostileClient, OneNumberForTwoCalls) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.call(1, "chaos.sleep", "600000"));
    ASSERT_TRUE(client.call(1, "chaos.sleep", "600000"));
    EXPECT_THAT(client.read_to_end(), HasSubstr("a broken call"));
    service_.await_running("chaos", 0);
}

TEST_F(HostileClient, WhatOnlyAWorkerSays) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.send({.type = Type::result, .id = 1}));
    EXPECT_THAT(client.read_to_end(), HasSubstr("a client does not send frames of type 22"));
}

TEST_F(HostileClient, SilenceInsteadOfAHello) {
    const RawClient client{service_.socket()};
    EXPECT_THAT(client.read_to_end(), HasSubstr("service.handshake_timeout"));
}

TEST_F(HostileClient, HalfAFrameAndThenSilence) {
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.send(frame_bytes({.type = Type::hello}, "{}", {}).substr(0, 20)));
    EXPECT_THAT(client.read_to_end(), HasSubstr("service.handshake_timeout"));
}

TEST_F(HostileClient, HalfAFrameAndThenTheEnd) {
    for (int i = 0; i < 20; ++i) {
        // The session of the one before may still be counted.
        ASSERT_TRUE(eventually([&] {
            const RawClient client{service_.socket()};
            return client.enters() && client.call(1, "chaos.sleep", "600000") &&
                   client.send(frame_bytes({.type = Type::call, .id = 2, .a = 8}, "chaos.ok", "1").substr(0, 35));
        }));
    }
    ASSERT_TRUE(eventually([&] { return Client::connect(service_.socket(), patience).has_value(); }));
    service_.await_running("chaos", 0);
}

TEST_F(HostileClient, MoreSessionsThanTheBound) {
    std::vector<RawClient> clients;
    while (clients.size() < 7) {  // and the load's
        // Sessions of the fixture that have just ended may still be counted.
        ASSERT_TRUE(eventually([&] {
            RawClient client{service_.socket()};
            if (!client.enters()) return false;
            clients.push_back(std::move(client));
            return true;
        }));
    }
    const auto turned_away = service_.run({"status"});
    EXPECT_EQ(turned_away.code, 3);
    EXPECT_THAT(turned_away.err, HasSubstr("too many sessions (service.max_sessions)"));
    clients.pop_back();
    EXPECT_TRUE(eventually([&] { return service_.run({"status"}).code == 0; }));
}

// Small answers: above the high-water mark nothing more is read of it, and both buffers between are full.
TEST_F(HostileClient, ThatAsksAndNeverListens) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.heard());
    const auto question = frame_bytes({.type = Type::call, .a = 13}, "math.nosuchis", {});
    std::uint64_t asked = 0;
    // Until it has not been read for as long as the load needs for many answers.
    while (asked < 2'000'000) {
        if (!client.push(question)) {
            load_.await(500);
            if (!client.push(question)) break;
        }
        ++asked;
    }
    EXPECT_LT(asked, 2'000'000U) << "it took everything";
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + 16 * MiB + overhead);
}

// A large answer stays in its memfd: nothing of it is in the supervisor.
TEST_F(HostileClient, ThatTakesNoneOfALargeAnswerCostsNoMemory) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.call(1, "chaos.pour", std::to_string(200 * MiB)));
    ASSERT_TRUE(eventually([&] { return service_.pool("chaos").at("calls").at("ok") == 1; }));
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + overhead);
    auto other = service_.client();
    EXPECT_EQ(call(other, "chaos.ok", "1").output, "1");
}

// Above the high-water mark nothing more of it is begun, however much it had asked for by then.
TEST_F(HostileClient, ThatTakesNoneOfManyAnswersWaitsForThemInTheQueue) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    std::string calls;
    for (std::uint64_t id = 0; id < 2000; ++id)
        calls += frame_bytes({.type = Type::call, .id = id, .a = 10}, "chaos.pour", "60000");
    ASSERT_TRUE(client.send(calls));
    ASSERT_TRUE(eventually([&] {
        const auto pool = service_.pool("chaos");
        return pool.at("running") == 0 && pool.at("queued") > 0 && pool.at("calls").at("ok") > 0;
    }));
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + overhead);
    auto other = service_.client();
    EXPECT_EQ(call(other, "chaos.ok", "1").output, "1");
}

TEST_F(HostileClient, MoreCallsAtOnceThanTheBoundAreRefusedByItsName) {
    auto client = service_.client();
    constexpr int calls = 70'000;
    for (int i = 0; i < calls; ++i)
        ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")}));
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_EQ(summary(std::get<Done>(**event).result), "refused session_calls");
}

}  // namespace
}  // namespace caisson::test
