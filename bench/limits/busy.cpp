// SPDX-License-Identifier: Apache-2.0
/// Uses so much of the processors and does nothing with it, in two processes, until its input ends: the neutral load
/// that a storm of crashes is compared with.
///
///     limit_busy PROCESSORS
#include <ctime>

#include "raw.hpp"

using namespace bench;

namespace {

constexpr int processes = 2;

double used_s() {
    timespec time{};
    raw::expect(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time), "clock_gettime");
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Computes while it has used less than its share of the time that has passed.
[[noreturn]] void use(double share) {
    for (const auto start = Clock::now();;)
        if (used_s() > seconds_since(start) * share) usleep(500);
}

}  // namespace

int main(int argc, char** argv) {
    const double share = number(argc, argv, 1, "limit_busy PROCESSORS") / processes;
    pid_t children[processes];
    for (pid_t& child : children) child = raw::fork_child([share] { use(share); });
    std::byte byte{};
    while (!raw::read_some(STDIN_FILENO, {&byte, 1}).empty()) {
    }
    for (const pid_t child : children) {
        kill(child, SIGKILL);
        raw::reap(child);
    }
}
