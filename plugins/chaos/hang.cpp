// SPDX-License-Identifier: Apache-2.0
#include "hang.hpp"

#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <mutex>

void spin() {
    static volatile std::uint64_t turns = 0;
    while (true) turns = turns + 1;
}

void deadlock() {
    static std::mutex mutex;
    mutex.lock();
    mutex.lock();
}

void sigstop_self() { kill(getpid(), SIGSTOP); }

void ignore_term() {
    std::signal(SIGTERM, SIG_IGN);
    while (true) pause();
}
