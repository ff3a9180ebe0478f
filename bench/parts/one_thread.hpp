// SPDX-License-Identifier: Apache-2.0
/// Sockets whose both ends are this thread's, so that what is counted depends on nobody else.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>

#include "../measured.hpp"
#include "base/channel.hpp"
#include "base/fd.hpp"
#include "base/loop.hpp"

namespace bench::parts {

using namespace caisson;

[[nodiscard]] inline std::array<Fd, 2> socket_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) give_up("socketpair");
    return {Fd{ends[0]}, Fd{ends[1]}};
}

/// Two channels on one loop, and what goes from the first to the second.
class ChannelPair {
   public:
    /// Runs turns of the loop in which `send` sends so many frames, and they arrive.
    template <class Send>
    void pass(std::size_t frames, Send send) {
        left_ = frames;
        loop_.post([&] { send(from_); });
        loop_.run();
    }

   private:
    void on_frame() {
        if (--left_ == 0) loop_.stop();
    }
    static void on_end(const Channel::Ending& ending) { give_up("a channel ended: " + ending.text); }

    Loop loop_;
    std::array<Fd, 2> ends_ = socket_pair();
    std::size_t left_ = 0;
    Channel from_{loop_, std::move(ends_[0]), {.on_frame = [](const wire::Frame&) {}, .on_end = on_end}};
    Channel to_{loop_, std::move(ends_[1]), {.on_frame = [this](const wire::Frame&) { on_frame(); }, .on_end = on_end}};
};

/// A socket that somebody writes to, and what reads it and forgets.
class Drained {
   public:
    [[nodiscard]] int descriptor() const { return ends_[0].get(); }
    void drain() {
        while (read(ends_[1].get(), room_.data(), room_.size()) > 0) {
        }
    }

   private:
    std::array<Fd, 2> ends_ = socket_pair();
    std::array<std::byte, 65536> room_{};
};

}  // namespace bench::parts
