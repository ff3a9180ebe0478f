// SPDX-License-Identifier: Apache-2.0
/// What a service manager is told, and what it passes: readiness, reloads, signs of life, the socket.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>

#include "support/upgrades.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::Not;

sockaddr_un address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    return address;
}

Fd bound(const std::filesystem::path& path, int type) {
    Fd socket{::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
    const auto address = address_of(path);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error("cannot bind " + path.string());
    return socket;
}

/// The manager's end: what it was told, and the descriptors that came with it.
class Manager {
   public:
    explicit Manager(const std::filesystem::path& path) : path_(path), socket_(bound(path, SOCK_DGRAM)) {}

    [[nodiscard]] std::vector<std::string> environment(std::vector<std::string> more = {}) const {
        more.push_back("NOTIFY_SOCKET=" + path_.string());
        return more;
    }
    /// All messages so far, each ended by an empty line.
    const std::string& told() {
        while (readable_within(socket_.get(), 0ms)) receive();
        return told_;
    }
    /// Waits until it was told this, since it was asked last.
    [[nodiscard]] bool hears(std::string_view text) {
        const bool heard = eventually([&] { return told().find(text, seen_) != std::string::npos; });
        if (heard) seen_ = told_.find(text, seen_) + text.size();
        return heard;
    }
    [[nodiscard]] bool hears_nothing_for(std::chrono::milliseconds time) {
        (void)told();
        return !readable_within(socket_.get(), time);
    }
    [[nodiscard]] Fd take_descriptor() { return std::move(descriptor_); }

   private:
    void receive() {
        std::array<char, 4096> text{};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        iovec part{text.data(), text.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto count = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (count <= 0) return;
        if (auto* const c = CMSG_FIRSTHDR(&message); c != nullptr && c->cmsg_type == SCM_RIGHTS) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c), sizeof number);
            descriptor_.reset(number);
        }
        told_.append(text.data(), static_cast<std::size_t>(count)).append("\n\n");
    }

    std::filesystem::path path_;
    Fd socket_;
    std::string told_;
    std::size_t seen_ = 0;
    Fd descriptor_;
};

class ServiceManagerTest : public testing::Test {
   protected:
    [[nodiscard]] Configuration configuration(std::vector<std::string> more = {}) {
        return {.pools = "[pool.math]\nworkers = 2\n", .environment = manager_.environment(std::move(more))};
    }

    Folder folder_;
    Manager manager_{folder_ / "notify"};
};

TEST_F(ServiceManagerTest, HearsOfReadinessReloadAndStop) {
    Service service{configuration()};
    EXPECT_TRUE(manager_.hears("READY=1\nSTATUS=serving 1 of 1 pool")) << manager_.told();
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_TRUE(manager_.hears("RELOADING=1\nMONOTONIC_USEC=")) << manager_.told();
    EXPECT_TRUE(manager_.hears("READY=1")) << manager_.told();
    write_file(service.config(), "nonsense");
    service.signal(SIGHUP);
    EXPECT_TRUE(manager_.hears("RELOADING=1")) << manager_.told();
    EXPECT_TRUE(manager_.hears("READY=1")) << "a reload that changed nothing is over too: " << manager_.told();
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_TRUE(manager_.hears("STOPPING=1")) << manager_.told();
    EXPECT_THAT(manager_.told(), Not(HasSubstr("WATCHDOG=1"))) << "nobody had asked";
}

TEST_F(ServiceManagerTest, HearsOfAPoolThatIsQuarantinedAndIsNotKeptWaitingByIt) {
    auto wrong = configuration();
    wrong.pools += "[pool.bad]\nworkers = 1\nplugin = \"" + fixture_library("crash_at_load") + "\"\n";
    const Service service{wrong};
    EXPECT_TRUE(manager_.hears("READY=1\nSTATUS=serving 1 of 2 pools; bad is quarantined")) << manager_.told();
}

TEST_F(ServiceManagerTest, SignsOfLifeComeFromTheLoop) {
    const Service service{configuration({"WATCHDOG_USEC=200000"})};
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(manager_.hears("WATCHDOG=1")) << manager_.told();
    service.signal(SIGSTOP);
    ASSERT_TRUE(eventually([&] { return manager_.hears_nothing_for(300ms); }));
    EXPECT_TRUE(manager_.hears_nothing_for(1s)) << "a service that stands still must not look alive";
    service.signal(SIGCONT);
    EXPECT_TRUE(manager_.hears("WATCHDOG=1")) << manager_.told();
}

TEST_F(ServiceManagerTest, HearsWhoTheServiceIsAfterAnUpgrade) {
    Service service{configuration({"WATCHDOG_USEC=200000", "WATCHDOG_PID=1"})};
    EXPECT_TRUE(manager_.hears("READY=1")) << manager_.told();
    const auto reply = upgrade(service);
    EXPECT_TRUE(manager_.hears("MAINPID=" + reply.at("pid").dump())) << manager_.told();
    // The first one was told that another process is watched.
    EXPECT_TRUE(manager_.hears("WATCHDOG=1")) << manager_.told();
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_TRUE(manager_.hears("STOPPING=1")) << manager_.told();
}

TEST_F(ServiceManagerTest, AManagerThatDoesNotListenHoldsUpNothing) {
    Service service{configuration({"WATCHDOG_USEC=2000"})};
    // The socket is full soon, and nobody reads.
    for (int i = 0; i < 5; ++i) EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
    EXPECT_EQ(service.run({"reload"}).code, 0);
    EXPECT_EQ(service.stop().code, 0);
}

// ---- sockets that are passed ----------------------------------------------------------------------------------------

/// `caisson serve` with a descriptor that was passed to it under this name.
class Activated {
   public:
    Activated(const Folder& folder, const Fd& passed, const std::string& name,
              const std::vector<std::string>& more = {})
        : socket_(folder / "caisson.sock"), open_(::dup(passed.get())) {
        write_file(folder / "caisson.toml",
                   "[service]\nsocket = \"caisson.sock\"\nstate_dir = \"state\"\nplugin_dir = \"" +
                       plugin_folder().string() + "\"\ndiscover = false\n[pool.math]\nworkers = 1\n");
        adopt_orphans();
        const auto script =
            "LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=" + name + " exec \"$@\" 3<&" + std::to_string(open_.get());
        serve_ = std::make_unique<Program>(
            std::vector<std::string>{"/bin/bash", "-c", script, "bash", caisson_program().string(), "serve", "-c",
                                     (folder / "caisson.toml").string()},
            Program::Options{.environment = more});
    }
    [[nodiscard]] Program& program() { return *serve_; }
    [[nodiscard]] std::string square() const {
        const auto client = Client::connect(socket_, patience);
        return client ? caisson({"--socket", socket_.string(), "call", "math.square", "7"}).out
                      : client.error().message;
    }

   private:
    std::filesystem::path socket_;
    Fd open_;
    std::unique_ptr<Program> serve_;
};

Fd listening(const std::filesystem::path& path) {
    auto socket = bound(path, SOCK_STREAM);
    if (::listen(socket.get(), 8) != 0) throw std::runtime_error("cannot listen");
    return socket;
}

TEST_F(ServiceManagerTest, PassesASocketWhichStaysItsOwn) {
    const auto path = folder_ / "caisson.sock";
    const auto socket = listening(path);
    Program early{{caisson_program().string(), "--socket", path.string(), "call", "math.square", "8"}};
    Activated service{folder_, socket, "caisson.socket"};
    EXPECT_EQ(early.wait().out, "64") << "it had connected before there was a service";
    EXPECT_EQ(service.square(), "49");
    EXPECT_THAT(caisson({"--socket", path.string(), "serve"}).err, HasSubstr("already running"));

    const auto upgraded = caisson({"--socket", path.string(), "--json", "upgrade"});
    ASSERT_EQ(upgraded.code, 0) << upgraded.err;
    EXPECT_EQ(service.program().wait().code, 0);
    service.program().follow(Json::parse(upgraded.out).at("pid").get<pid_t>());
    EXPECT_EQ(service.square(), "49");
    EXPECT_EQ(caisson({"--socket", path.string(), "stop"}).code, 0);
    EXPECT_EQ(service.program().wait().code, 0);
    EXPECT_TRUE(std::filesystem::is_socket(path));

    Activated again{folder_, socket, "caisson.socket"};
    EXPECT_EQ(again.square(), "49");
    again.program().signal(SIGTERM);
    EXPECT_EQ(again.program().wait().code, 0);
}

TEST_F(ServiceManagerTest, KeepsTheSocketOverACrash) {
    const auto path = folder_ / "caisson.sock";
    Fd kept;
    {
        Service service{configuration()};
        ASSERT_TRUE(manager_.hears("FDSTORE=1\nFDNAME=caisson-listener")) << manager_.told();
        kept = manager_.take_descriptor();
        ASSERT_TRUE(kept);
        EXPECT_EQ(service.stop().code, 0);
        EXPECT_TRUE(manager_.hears("FDSTOREREMOVE=1\nFDNAME=caisson-listener")) << manager_.told();
    }
    // As if the service that had made it had crashed.
    const auto socket = listening(path);
    Program early{{caisson_program().string(), "--socket", path.string(), "call", "math.square", "8"}};
    Activated service{folder_, socket, "caisson-listener"};
    EXPECT_EQ(early.wait().out, "64") << "its attempt was not lost";
    service.program().signal(SIGTERM);
    EXPECT_EQ(service.program().wait().code, 0);
    EXPECT_FALSE(std::filesystem::exists(path)) << "this one is the service's own";

    // One whose file was removed is of no use to clients.
    Activated anew{folder_, socket, "caisson-listener"};
    ASSERT_TRUE(eventually([&] { return std::filesystem::is_socket(path); }));
    EXPECT_EQ(anew.square(), "49");
    anew.program().signal(SIGTERM);
    EXPECT_EQ(anew.program().wait().code, 0);
}

TEST_F(ServiceManagerTest, WhatIsNoListeningSocketIsRefused) {
    const auto datagrams = bound(folder_ / "datagrams", SOCK_DGRAM);
    const auto deaf = bound(folder_ / "deaf", SOCK_STREAM);
    const Fd file{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    for (const auto* const passed : {&datagrams, &deaf, &file}) {
        Activated service{folder_, *passed, "caisson.socket"};
        const auto ended = service.program().wait();
        EXPECT_EQ(ended.code, 3);
        EXPECT_THAT(ended.err, HasSubstr("no Unix stream socket that listens"));
    }
}

TEST_F(ServiceManagerTest, SystemdsOwnToolPassesASocket) {
    constexpr auto tool = "/usr/bin/systemd-socket-activate";
    ASSERT_TRUE(std::filesystem::exists(tool)) << "there is no " << tool << "; scripts/setup installs it";
    const auto path = folder_ / "caisson.sock";
    write_file(folder_ / "caisson.toml",
               "[service]\nsocket = \"caisson.sock\"\nstate_dir = \"state\"\nplugin_dir = \"" +
                   plugin_folder().string() + "\"\ndiscover = false\n[pool.math]\nworkers = 1\n");
    adopt_orphans();
    Program service{
        {tool, "-l", path.string(), caisson_program().string(), "serve", "-c", (folder_ / "caisson.toml").string()}};
    ASSERT_TRUE(eventually([&] { return std::filesystem::is_socket(path); }));
    EXPECT_EQ(caisson({"--socket", path.string(), "call", "math.square", "7"}).out, "49");
    service.signal(SIGTERM);
    EXPECT_EQ(service.wait().code, 0);
    EXPECT_TRUE(std::filesystem::is_socket(path));
}

}  // namespace
}  // namespace caisson::test
