// SPDX-License-Identifier: Apache-2.0
#include "base/loop.hpp"

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>
#include <vector>

namespace caisson {
namespace asio = boost::asio;
using boost::system::error_code;

struct Loop::Impl {
    asio::io_context io{1};
    asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(io);
    std::atomic<bool> stopping = false;
    std::vector<Callback> hooks;
    std::vector<std::unique_ptr<asio::signal_set>> signals;

    void run_hooks() {
        while (!hooks.empty())
            for (auto& hook : std::exchange(hooks, {})) hook();
    }
    void wait_signal(asio::signal_set& set, std::function<void(int)> callback) {
        set.async_wait([this, &set, callback = std::move(callback)](error_code error, int number) {
            if (error) return;
            callback(number);
            wait_signal(set, callback);
        });
    }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
    impl_->stopping = false;
    while (!impl_->stopping.load(std::memory_order_relaxed)) {
        impl_->io.run_one();
        impl_->io.poll();
        impl_->run_hooks();
    }
    impl_->io.poll();  // what was posted last: mostly things that waited for a later turn to be let go
}

void Loop::stop() {
    impl_->stopping = true;
    asio::post(impl_->io, [] {});
}

void Loop::post(Callback callback) { asio::post(impl_->io, std::move(callback)); }
void Loop::at_end_of_turn(Callback callback) { impl_->hooks.push_back(std::move(callback)); }

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> callback) {
    auto& set = *impl_->signals.emplace_back(std::make_unique<asio::signal_set>(impl_->io));
    for (int number : signals) set.add(number);
    impl_->wait_signal(set, std::move(callback));
}

// A handler that is under way keeps its Impl alive, and asks `open` before it calls back: a callback may destroy the
// watch or timer that called it.
struct Loop::Watch::Impl : std::enable_shared_from_this<Impl> {
    explicit Impl(asio::io_context& io) : descriptor(io) {}
    asio::posix::stream_descriptor descriptor;
    Callback readable;
    bool open = true;
    bool reading = false;
    bool waiting = false;

    void wait_readable() {
        if (waiting || !reading || !open) return;
        waiting = true;
        descriptor.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](error_code error) {
            self->waiting = false;
            if (error || !self->open || !self->reading) return;
            self->readable();
            self->wait_readable();
        });
    }
    void close() {
        open = false;
        if (descriptor.is_open()) (void)descriptor.release();  // cancels what waits; the descriptor is not ours
    }
};

Loop::Watch Loop::watch(int descriptor) {
    Watch watch;
    watch.impl_ = std::make_shared<Watch::Impl>(impl_->io);
    watch.impl_->descriptor.assign(descriptor);
    return watch;
}

Loop::Watch::Watch(Watch&&) noexcept = default;
Loop::Watch& Loop::Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        if (impl_) impl_->close();
        impl_ = std::move(other.impl_);
    }
    return *this;
}
Loop::Watch::~Watch() {
    if (impl_) impl_->close();
}

void Loop::Watch::on_readable(Callback callback) {
    impl_->readable = std::move(callback);
    resume_reading();
}
void Loop::Watch::pause_reading() { impl_->reading = false; }
void Loop::Watch::resume_reading() {
    impl_->reading = true;
    impl_->wait_readable();
}
void Loop::Watch::on_writable_once(Callback callback) {
    impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_write,
                                 [self = impl_, callback = std::move(callback)](error_code error) mutable {
                                     if (!error && self->open) callback();
                                 });
}

void Loop::Watch::on_hang_up_once(Callback callback) {
    impl_->descriptor.async_wait(asio::posix::stream_descriptor::wait_error,
                                 [self = impl_, callback = std::move(callback)](error_code error) mutable {
                                     if (!error && self->open) callback();
                                 });
}

struct Loop::Timer::Impl {
    explicit Impl(asio::io_context& io) : timer(io) {}
    asio::steady_timer timer;
    std::uint64_t generation = 0;
    bool armed = false;
};

Loop::Timer Loop::timer() {
    Timer timer;
    timer.impl_ = std::make_shared<Timer::Impl>(impl_->io);
    return timer;
}

Loop::Timer::Timer(Timer&&) noexcept = default;
Loop::Timer& Loop::Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        if (impl_) cancel();
        impl_ = std::move(other.impl_);
    }
    return *this;
}
Loop::Timer::~Timer() {
    if (impl_) cancel();
}

void Loop::Timer::arm_at(TimePoint time, Callback callback) {
    impl_->armed = true;
    impl_->timer.expires_at(time);
    impl_->timer.async_wait(
        [self = impl_, generation = ++impl_->generation, callback = std::move(callback)](error_code error) mutable {
            // A timer that was armed anew or cancelled while its handler was already queued must stay silent.
            if (error || generation != self->generation) return;
            self->armed = false;
            callback();
        });
}
void Loop::Timer::arm_after(Duration delay, Callback callback) { arm_at(Clock::now() + delay, std::move(callback)); }
void Loop::Timer::cancel() {
    ++impl_->generation;
    impl_->armed = false;
    impl_->timer.cancel();
}
bool Loop::Timer::armed() const { return impl_ && impl_->armed; }

}  // namespace caisson
