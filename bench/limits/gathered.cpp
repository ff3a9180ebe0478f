// SPDX-License-Identifier: Apache-2.0
/// Messages of 64 bytes that travel 1, 64 or 256 to a write: one way, and to an echo and back. What gathering is worth.
///
///     limit_gathered SECONDS
#include <array>
#include <string>
#include <vector>

#include "raw.hpp"

using namespace bench;

namespace {

constexpr std::size_t message_bytes = 64;
constexpr std::size_t largest_window = 256;
using Room = std::array<std::byte, message_bytes * largest_window>;

/// Messages per second that reach a peer which only counts.
double one_way(std::size_t window, double seconds) {
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, [](int fd) {
        Room room{};
        std::uint64_t bytes = 0;
        for (auto got = raw::read_some(fd, room); !got.empty(); got = raw::read_some(fd, room)) bytes += got.size();
        raw::write_all(fd, std::as_bytes(std::span{&bytes, 1}));
    });
    const Room messages{};
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end;)
        raw::write_all(pair.ours, std::span{messages}.first(window * message_bytes));
    shutdown(pair.ours, SHUT_WR);
    std::uint64_t bytes = 0;
    if (!raw::read_all(pair.ours, std::as_writable_bytes(std::span{&bytes, 1}))) give_up("the peer has gone");
    const double taken = seconds_since(start);
    raw::part(pair, child);
    return static_cast<double>(bytes / message_bytes) / taken;
}

/// Messages per second that come back, `window` under way.
double echoed(std::size_t window, double seconds) {
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, [](int fd) {
        Room room{};
        for (auto got = raw::read_some(fd, room); !got.empty(); got = raw::read_some(fd, room)) raw::write_all(fd, got);
    });
    Room messages{};
    const auto part = std::span{messages}.first(window * message_bytes);
    std::uint64_t turns = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++turns) {
        raw::write_all(pair.ours, part);
        if (!raw::read_all(pair.ours, part)) give_up("the peer has gone");
    }
    const double taken = seconds_since(start);
    raw::part(pair, child);
    return static_cast<double>(turns * window) / taken;
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_gathered SECONDS") / 6;
    Report report;
    for (const std::size_t window : {1uz, 64uz, 256uz}) {
        report.add("one_way_" + std::to_string(window) + "_per_s", one_way(window, seconds));
        report.add("echo_" + std::to_string(window) + "_per_s", echoed(window, seconds));
    }
    report.print();
}
