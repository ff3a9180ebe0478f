// SPDX-License-Identifier: Apache-2.0
/// Clients that break the protocol, flood, or do not listen: each is let go by a named bound, and no other client's
/// call notices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "support/load.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"
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

/// A connection that says whatever it is told to.
class RawClient {
   public:
    explicit RawClient(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot connect");
    }

    /// Sends what the service takes; false once it has hung up.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    bool send(wire::Header header, std::string_view head = {}, std::string_view body = {}) const {
        wire::Buffer frame;
        wire::append_frame(frame, header, head, {}, wire::bytes_of(body));
        return send(wire::Frame::text(frame));
    }
    bool hello() const { return send({.type = Type::hello, .a = wire::VersionRange{}.packed()}, "{}"); }
    bool call(std::uint64_t id, std::string_view target, std::string_view body = {}) const {
        return send({.type = Type::call, .id = id, .a = static_cast<std::uint32_t>(target.size())}, target, body);
    }

    /// As much of a frame as the socket takes without waiting. False when it takes nothing more.
    bool push(std::string_view bytes) const {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
               static_cast<ssize_t>(bytes.size());
    }

    /// Reads until the service hangs up; throws if it does not.
    std::string read_to_end() const {
        std::string all;
        std::array<char, 64 * 1024> piece;
        while (true) {
            if (!readable_within(socket_.get())) throw std::runtime_error("the service did not hang up");
            const auto count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
            if (count <= 0) return all;
            all.append(piece.data(), static_cast<std::size_t>(count));
        }
    }
    /// Waits until there is something to read, and leaves it.
    [[nodiscard]] bool heard() const { return readable_within(socket_.get()); }
    /// Says hello; true if it is welcome.
    [[nodiscard]] bool enters() const {
        wire::Header answer;
        return hello() && heard() && ::recv(socket_.get(), &answer, sizeof answer, 0) == sizeof answer &&
               answer.type == Type::welcome;
    }
    /// Waits until the service has hung up, without reading.
    [[nodiscard]] bool hung_up_within(std::chrono::milliseconds deadline = patience) const {
        pollfd entry{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
        return ::poll(&entry, 1, static_cast<int>(deadline.count())) == 1;
    }

   private:
    Fd socket_;
};

std::string frame_bytes(wire::Header header, std::string_view head, std::string_view body) {
    wire::Buffer frame;
    wire::append_frame(frame, header, head, {}, wire::bytes_of(body));
    return std::string{wire::Frame::text(frame)};
}

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

// Large answers come whether it is read or not: past the bound the session ends.
TEST_F(HostileClient, ThatTakesNoneOfALargeAnswerIsLetGo) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    ASSERT_TRUE(client.hello());
    ASSERT_TRUE(client.call(1, "chaos.pour", std::to_string(200 * MiB)));
    EXPECT_TRUE(client.hung_up_within());
    service_.await_log("session_output_bytes");
    service_.await_running("chaos", 0);
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + 2 * 64 * MiB + overhead);
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
