// SPDX-License-Identifier: Apache-2.0
#include "host/heart.hpp"

#include <linux/futex.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <csignal>
#include <ctime>

#include "base/clock.hpp"

namespace caisson::host {
namespace {

/// Bytes of the thread's stack: it calls the kernel and nothing else, and a sanitizer wants some room, too.
constexpr std::size_t stack_bytes = 128 * 1024;

void wait(std::atomic<std::uint32_t>& word, std::uint32_t while_it_is, const timespec* at_most) {
    ::syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, while_it_is, at_most, nullptr, 0);
}
void wake_all(std::atomic<std::uint32_t>& word) {
    ::syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace

Heart::~Heart() {
    if (!beats_) return;
    stopping_.store(1);
    wake_all(stopping_);
    wake();
    ::pthread_join(thread_, nullptr);
}

void Heart::start(std::chrono::milliseconds pause) {
    pause_ = pause;
    pthread_attr_t attributes;
    if (::pthread_attr_init(&attributes) != 0) return;
    ::pthread_attr_setstacksize(&attributes,
                                std::max<std::size_t>(stack_bytes, static_cast<std::size_t>(PTHREAD_STACK_MIN)));
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    // The thread inherits it; a signal that a plugin waits for is for the plugin's threads.
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    beat_ns_.store(to_ns(Clock::now()), std::memory_order_release);  // a sign is due from now on
    beats_ = ::pthread_create(&thread_, &attributes, run, this) == 0;
    if (!beats_) beat_ns_.store(0, std::memory_order_release);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::pthread_attr_destroy(&attributes);
}

void* Heart::run(void* heart) {
    ::prctl(PR_SET_NAME, "heart", 0UL, 0UL, 0UL);
    static_cast<Heart*>(heart)->live();
    return nullptr;
}

void Heart::live() {
    const auto pause_ns = std::chrono::nanoseconds{pause_}.count();
    const timespec pause{.tv_sec = pause_ns / 1'000'000'000, .tv_nsec = pause_ns % 1'000'000'000};
    while (stopping_.load() == 0) {
        beat_ns_.store(to_ns(Clock::now()), std::memory_order_release);
        if (busy_.load(std::memory_order_seq_cst) != 0) {
            wait(stopping_, 0, &pause);
            continue;
        }
        asleep_.store(1, std::memory_order_seq_cst);
        while (busy_.load(std::memory_order_seq_cst) == 0 && stopping_.load() == 0 && asleep_.load() != 0)
            wait(asleep_, 1, nullptr);
        asleep_.store(0, std::memory_order_seq_cst);
    }
}

void Heart::wake() {
    asleep_.store(0, std::memory_order_seq_cst);
    wake_all(asleep_);
}

}  // namespace caisson::host
