// SPDX-License-Identifier: Apache-2.0
/// Why there is no session: each reason has its words.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/fd.hpp"
#include "client/client.hpp"

namespace caisson {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
using Kind = ClientError::Kind;

class Reach : public testing::Test {
   protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "caisson-reach-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static ClientError error_of(const std::filesystem::path& path) {
        const auto client = Client::connect(path, 200ms);
        EXPECT_FALSE(client);
        return client ? ClientError{} : client.error();
    }
    Fd bind_socket(int type, const std::filesystem::path& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path, path.c_str(), path.native().size());
        Fd socket{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        return socket;
    }

    std::filesystem::path folder_;
};

TEST_F(Reach, NoFileSaysHowToStartAService) {
    const auto error = error_of(folder_ / "none.sock");
    EXPECT_EQ(error.kind, Kind::no_service);
    EXPECT_THAT(error.message, HasSubstr("none.sock"));
    EXPECT_THAT(error.message, HasSubstr("No such file"));
    EXPECT_THAT(error.message, HasSubstr("caisson serve"));
}

TEST_F(Reach, AStaleSocketSaysThatNobodyListens) {
    bind_socket(SOCK_STREAM, folder_ / "stale.sock").reset();
    const auto error = error_of(folder_ / "stale.sock");
    EXPECT_EQ(error.kind, Kind::no_service);
    EXPECT_THAT(error.message, HasSubstr("nobody listens"));
}

TEST_F(Reach, APlainFileIsNotASocket) {
    std::ofstream{folder_ / "file"} << "x";
    EXPECT_THAT(error_of(folder_ / "file").message, HasSubstr("is not a socket"));
}

TEST_F(Reach, ADatagramSocketIsAnotherKind) {
    const auto socket = bind_socket(SOCK_DGRAM, folder_ / "datagram.sock");
    const auto error = error_of(folder_ / "datagram.sock");
    EXPECT_EQ(error.kind, Kind::protocol);
    EXPECT_THAT(error.message, HasSubstr("another kind"));
}

TEST_F(Reach, ALongPathSaysHowLongAPathMayBe) {
    const auto error = error_of(folder_ / std::string(200, 'x'));
    EXPECT_THAT(error.message, HasSubstr("at most 107"));
}

TEST_F(Reach, NoRightsSaysWhoOwnsWhat) {
    if (::geteuid() == 0) GTEST_SKIP() << "root may do everything";
    const auto socket = bind_socket(SOCK_STREAM, folder_ / "closed.sock");
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    ASSERT_EQ(::chmod((folder_ / "closed.sock").c_str(), 0000), 0);
    const auto error = error_of(folder_ / "closed.sock");
    EXPECT_EQ(error.kind, Kind::denied);
    EXPECT_THAT(error.message, HasSubstr("mode 0000"));
}

TEST_F(Reach, SomebodyWhoListensAndSaysNothingIsATimeout) {
    const auto socket = bind_socket(SOCK_STREAM, folder_ / "mute.sock");
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    const auto error = error_of(folder_ / "mute.sock");
    EXPECT_EQ(error.kind, Kind::timeout);
    EXPECT_THAT(error.message, HasSubstr("does not answer"));
}

TEST_F(Reach, AFullBacklogIsWaitedForNoLongerThanThePatience) {
    const auto socket = bind_socket(SOCK_STREAM, folder_ / "full.sock");
    ASSERT_EQ(::listen(socket.get(), 0), 0);
    const Fd first{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const auto path = folder_ / "full.sock";
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    ASSERT_EQ(::connect(first.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_THAT(error_of(path).message, HasSubstr("takes no new connections"));
}

TEST(DefaultSocket, TheEnvironmentNamesIt) {
    ::setenv("CAISSON_SOCKET", "/somewhere/else.sock", 1);
    EXPECT_EQ(Client::default_socket(), "/somewhere/else.sock");
    ::unsetenv("CAISSON_SOCKET");
    EXPECT_EQ(Client::default_socket().filename(), "caisson.sock");
}

}  // namespace
}  // namespace caisson
