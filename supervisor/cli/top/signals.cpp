// SPDX-License-Identifier: Apache-2.0
#include "cli/top/signals.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

namespace caisson::cli::top {

Signals::Signals() {
    sigset_t ours;
    sigemptyset(&ours);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH}) sigaddset(&ours, signal);
    ::pthread_sigmask(SIG_BLOCK, &ours, &before_);
    signals_.reset(::signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC));
    // Without a descriptor left nothing could be taken: then the signals keep their usual effect.
    if (!signals_) ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

Signals::~Signals() {
    while (take()) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> Signals::take() {
    signalfd_siginfo info{};
    if (!signals_ || ::read(signals_.get(), &info, sizeof info) != sizeof info) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace caisson::cli::top
