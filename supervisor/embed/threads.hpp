// SPDX-License-Identifier: Apache-2.0
/// Threads inside a program that is not ours: its signals are not for them.
#pragma once

#include <signal.h>

#include <csignal>
#include <thread>
#include <utility>

namespace caisson::embed {

/// A thread that no signal is delivered to, but those of its own faults.
template <class Function>
[[nodiscard]] std::thread quiet_thread(Function&& function) {
    sigset_t blocked;
    sigset_t before;
    sigfillset(&blocked);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&blocked, fault);
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before);
    struct Restore {
        const sigset_t& mask;
        ~Restore() { ::pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
    } const restore{before};
    return std::thread{std::forward<Function>(function)};
}

}  // namespace caisson::embed
