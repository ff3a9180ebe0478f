// SPDX-License-Identifier: Apache-2.0
/// The kernel without Caisson: sockets, children and bytes, as bare as the limits need them. Whatever fails ends the
/// program.
#pragma once

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "../measured.hpp"

namespace bench::raw {

/// What a system call returned, if it did not fail.
template <class Result>
Result expect(Result result, std::string_view call) {
    if (result < 0) give_up(std::string{call} + ": " + std::strerror(errno));
    return result;
}

/// A connected pair of stream sockets: one for each side.
struct Pair {
    int ours = -1;
    int theirs = -1;
};

[[nodiscard]] inline Pair stream_pair() {
    int ends[2];
    expect(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    return {ends[0], ends[1]};
}

/// A child that runs `body` and exits; it dies with this process.
template <class Body>
pid_t fork_child(Body body) {
    const pid_t child = expect(fork(), "fork");
    if (child != 0) return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
}

/// A child at the other end of a socket, whose end of it is closed here.
template <class Body>
pid_t fork_peer(const Pair& pair, Body body) {
    const pid_t child = fork_child([&] {
        close(pair.ours);
        body(pair.theirs);
    });
    close(pair.theirs);
    return child;
}

inline void reap(pid_t child) { expect(waitpid(child, nullptr, 0), "waitpid"); }

/// Closes our end, which ends the peer.
inline void part(const Pair& pair, pid_t child) {
    close(pair.ours);
    reap(child);
}

inline void write_all(int fd, std::span<const std::byte> bytes) {
    while (!bytes.empty())
        bytes = bytes.subspan(static_cast<std::size_t>(expect(write(fd, bytes.data(), bytes.size()), "write")));
}

/// What one read gives; nothing at the end of the stream.
[[nodiscard]] inline std::span<std::byte> read_some(int fd, std::span<std::byte> room) {
    return room.first(static_cast<std::size_t>(expect(read(fd, room.data(), room.size()), "read")));
}

/// False at the end of the stream.
[[nodiscard]] inline bool read_all(int fd, std::span<std::byte> room) {
    while (!room.empty()) {
        const auto got = read_some(fd, room);
        if (got.empty()) return false;
        room = room.subspan(got.size());
    }
    return true;
}

}  // namespace bench::raw
