// SPDX-License-Identifier: Apache-2.0
/// Two hops: 64 bytes from a client through a relay process to a worker and back, each side blocking, which is the
/// fastest there is when one message is under way. The limit of a round trip through the service.
///
///     limit_relay SECONDS
#include <array>

#include "raw.hpp"

using namespace bench;

namespace {

using Message = std::array<std::byte, 64>;

void echo(int fd) {
    Message message{};
    while (raw::read_all(fd, message)) raw::write_all(fd, message);
}

/// Between the client and a worker of its own.
void relay(int client) {
    const auto pair = raw::stream_pair();
    const pid_t worker = raw::fork_peer(pair, [client](int fd) {
        close(client);
        echo(fd);
    });
    Message message{};
    while (raw::read_all(client, message)) {
        raw::write_all(pair.ours, message);
        if (!raw::read_all(pair.ours, message)) break;
        raw::write_all(client, message);
    }
    raw::part(pair, worker);
}

}  // namespace

int main(int argc, char** argv) {
    const auto end = end_after(number(argc, argv, 1, "limit_relay SECONDS"));
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, relay);
    Message message{};
    Times times;
    for (auto start = Clock::now(); start < end;) {
        raw::write_all(pair.ours, message);
        if (!raw::read_all(pair.ours, message)) give_up("the relay has gone");
        const auto now = Clock::now();
        times.add(start, now);
        start = now;
    }
    raw::part(pair, child);
    Report{}.add(times).print();
}
