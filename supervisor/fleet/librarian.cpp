// SPDX-License-Identifier: Apache-2.0
#include "fleet/librarian.hpp"

#include <pthread.h>

#include <csignal>
#include <system_error>
#include <utility>

namespace caisson::fleet {

Librarian::~Librarian() {
    *alive_ = false;
    {
        const std::lock_guard lock{mutex_};
        over_ = true;
    }
    news_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Librarian::read(std::filesystem::path path, std::string known, Done done) {
    {
        const std::lock_guard lock{mutex_};
        orders_.push_back({std::move(path), std::move(known), std::move(done)});
    }
    news_.notify_all();
    if (thread_.joinable()) return;
    // Signals are for the loop's thread.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        thread_ = std::thread{[this] { work(); }};
    } catch (const std::system_error& error) {  // the next order tries again
        std::deque<Order> orders;
        std::swap(orders, orders_);
        for (auto& order : orders)
            answer(std::move(order.done), fail_errno("a thread that reads libraries", error.code().value()));
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Librarian::answer(Done done, Result<LibraryRef> result) {
    loop_.post([alive = alive_, done = std::move(done), result = std::move(result)]() mutable {
        if (*alive) done(std::move(result));
    });
}

void Librarian::work() {
    ::pthread_setname_np(::pthread_self(), "librarian");
    std::unique_lock lock{mutex_};
    while (true) {
        news_.wait(lock, [this] { return over_ || !orders_.empty(); });
        if (over_) return;
        auto order = std::move(orders_.front());
        orders_.pop_front();
        lock.unlock();
        const auto stamp = order.known.empty() ? std::string{} : stamp_of(order.path);
        auto read = !stamp.empty() && stamp == order.known ? Result<LibraryRef>{} : read_library(order.path, over_);
        answer(std::move(order.done), std::move(read));
        lock.lock();
    }
}

}  // namespace caisson::fleet
