// SPDX-License-Identifier: Apache-2.0
/// One hop: 64 bytes to a child over a Unix stream socket and back, each side blocking. The limit of an embedded round
/// trip.
///
///     limit_ping_pong SECONDS
#include <array>

#include "raw.hpp"

using namespace bench;

namespace {

using Message = std::array<std::byte, 64>;

void echo(int fd) {
    Message message{};
    while (raw::read_all(fd, message)) raw::write_all(fd, message);
}

}  // namespace

int main(int argc, char** argv) {
    const auto end = end_after(number(argc, argv, 1, "limit_ping_pong SECONDS"));
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, echo);
    Message message{};
    Times times;
    for (auto start = Clock::now(); start < end;) {
        raw::write_all(pair.ours, message);
        if (!raw::read_all(pair.ours, message)) give_up("the peer has gone");
        const auto now = Clock::now();
        times.add(start, now);
        start = now;
    }
    raw::part(pair, child);
    Report{}.add(times).print();
}
