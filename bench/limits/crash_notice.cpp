// SPDX-License-Identifier: Apache-2.0
/// From the message that makes a child die of SIGSEGV to the end of file on its socket.
///
///     limit_crash_notice SECONDS
#include <sys/resource.h>

#include "raw.hpp"

using namespace bench;

namespace {

void crash_when_asked(int fd) {
    std::byte byte{};
    if (raw::read_all(fd, {&byte, 1})) raise(SIGSEGV);
}

Clock::time_point crash(const raw::Pair& pair) {
    std::byte byte{};
    raw::write_all(pair.ours, {&byte, 1});
    if (raw::read_all(pair.ours, {&byte, 1})) give_up("an answer from a child that should crash");
    return Clock::now();
}

}  // namespace

int main(int argc, char** argv) {
    const auto end = end_after(number(argc, argv, 1, "limit_crash_notice SECONDS"));
    constexpr rlimit no_core{0, 0};
    raw::expect(setrlimit(RLIMIT_CORE, &no_core), "setrlimit");
    Times times;
    while (Clock::now() < end) {
        const auto pair = raw::stream_pair();
        const pid_t child = raw::fork_peer(pair, crash_when_asked);
        usleep(200);  // so that it waits in its read, as a worker does
        const auto start = Clock::now();
        times.add(start, crash(pair));
        raw::part(pair, child);
    }
    Report{}.add(times).print();
}
