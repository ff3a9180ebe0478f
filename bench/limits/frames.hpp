// SPDX-License-Identifier: Apache-2.0
/// Frames as small calls have them, 32 bytes of header and 8 of body, and the worker that squares them: for the loops
/// that do nothing but move them.
#pragma once

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "raw.hpp"

namespace bench::raw {

struct Frame {
    std::uint32_t size = sizeof(std::int64_t);
    std::uint32_t kind = 0;
    std::uint64_t id = 0;
    std::uint64_t time = 0;
    std::uint64_t spare = 0;
    std::int64_t body = 0;
};
static_assert(sizeof(Frame) == 40);

inline constexpr std::size_t workers = 2;
inline constexpr std::size_t window = 256;  ///< frames under way to one worker

/// Reads frames as they come: whole ones are handed out, the rest of the last is kept.
class FrameInput {
   public:
    /// What one read brought; empty if nothing was there or the peer has gone.
    [[nodiscard]] std::span<Frame> read(int fd) {
        const auto room = std::as_writable_bytes(std::span{frames_});
        std::memmove(room.data(), room.data() + whole_ * sizeof(Frame), rest_);
        const auto got = ::read(fd, room.data() + rest_, room.size() - rest_);
        if (got <= 0) {
            gone_ = got == 0 || errno != EAGAIN;
            whole_ = 0;
            return {};
        }
        const std::size_t bytes = rest_ + static_cast<std::size_t>(got);
        whole_ = bytes / sizeof(Frame);
        rest_ = bytes % sizeof(Frame);
        return std::span{frames_}.first(whole_);
    }
    [[nodiscard]] bool gone() const { return gone_; }

   private:
    std::vector<Frame> frames_ = std::vector<Frame>(4096);
    std::size_t whole_ = 0;
    std::size_t rest_ = 0;
    bool gone_ = false;
};

/// Answers every frame with its square, until the socket closes.
inline void square_frames(int fd) {
    FrameInput input;
    while (true) {
        const auto frames = input.read(fd);
        if (input.gone()) return;
        for (Frame& frame : frames) frame.body *= frame.body;
        write_all(fd, std::as_bytes(frames));
    }
}

/// Waits for readable sockets; `data` says which.
class Readable {
   public:
    ~Readable() { close(epoll_); }
    Readable() = default;
    Readable(const Readable&) = delete;
    Readable& operator=(const Readable&) = delete;
    void add(int fd, std::size_t data) const {
        epoll_event event{.events = EPOLLIN, .data = {.u64 = data}};
        expect(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    }
    [[nodiscard]] std::span<const epoll_event> wait() {
        return std::span{events_}.first(static_cast<std::size_t>(
            expect(epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), -1), "epoll_wait")));
    }

   private:
    int epoll_ = expect(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    std::array<epoll_event, 8> events_{};
};

}  // namespace bench::raw
