// SPDX-License-Identifier: Apache-2.0
#include "cli/interrupts.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace caisson::cli {

Interrupts::Interrupts() {
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGINT);
    sigaddset(&ours, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &ours, &before_);
    signals_.reset(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
    // Without a descriptor left nothing could be taken: then the signals keep their usual effect.
    if (!signals_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Interrupts::~Interrupts() {
    (void)take();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interrupts::take() {
    signalfd_siginfo info{};
    bool any = false;
    while (signals_ && ::read(signals_.get(), &info, sizeof info) == sizeof info) any = true;
    return any;
}

}  // namespace caisson::cli
