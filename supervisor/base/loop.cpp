// SPDX-License-Identifier: Apache-2.0
#include "base/loop.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <map>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/limits.hpp"
#include "base/result.hpp"

namespace caisson {
namespace {

/// Descriptors that one wait tells of; the others wait for the next turn.
constexpr std::size_t events_per_turn = 128;

/// Where the signal handler writes, for it gets no pointer of ours; -1 while nobody listens.
constinit std::atomic<int> signal_pipe = -1;

void on_signal(int number) {
    const int error = errno;
    const auto byte = static_cast<unsigned char>(number);
    // A full pipe drops it; what is in the pipe is of the same few kinds.
    static_cast<void>(::write(signal_pipe.load(std::memory_order_relaxed), &byte, 1));
    errno = error;
}

[[noreturn]] void fail_start(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

struct Loop::Watch::Impl {
    Impl(Loop::Impl& owner, int number) : loop(&owner), descriptor(number) {}

    Loop::Impl* loop;
    int descriptor;
    Callback readable;
    Callback writable;
    Callback hang_up;
    std::uint32_t registered = 0;  // as epoll knows it
    bool known = false;            // to epoll
    bool open = true;
    bool reading = false;
    bool gone = false;  // the peer has closed, and nobody reads: epoll would say so without end

    void update();
    void on_events(std::uint32_t events);
    void close();
};

struct Loop::Timer::Impl {
    using Queue = std::multimap<TimePoint, Impl*>;
    explicit Impl(Loop::Impl& owner) : loop(&owner) {}

    Loop::Impl* loop;
    Callback callback;
    Queue::iterator place;
    Queue::node_type spare;  // of the queue, while not armed: arming anew allocates nothing
    bool armed = false;

    void arm(TimePoint time);
    void disarm();
    void close();
};

struct Loop::Impl {
    Fd poll{::epoll_create1(EPOLL_CLOEXEC)};
    Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    std::atomic<bool> stopping = false;
    std::vector<Callback> hooks;
    std::vector<Callback> running_hooks;  // keeps its memory
    Timer::Impl::Queue timers;

    std::mutex posts_mutex;
    std::vector<Callback> posts;
    std::atomic<bool> posted = false;     // there are some
    std::vector<Callback> running_posts;  // keeps its memory
    std::atomic<bool> asleep = false;     // who posts has to wake the loop

    // What was let go of while its event or handler may be at hand: freed after the turn.
    std::vector<std::shared_ptr<void>> gone;

    std::unique_ptr<std::byte[]> scratch;  // made when it is wanted first
    bool scratch_lent = false;

    Fd signals;
    Watch signal_watch;
    std::map<int, std::function<void(int)>> signal_callbacks;
    std::vector<std::pair<int, struct sigaction>> before;

    Impl() {
        if (!poll || !wake) fail_start("epoll_create1 or eventfd");
        epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
        if (::epoll_ctl(poll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) fail_start("epoll_ctl");
    }
    ~Impl() {
        for (const auto& [number, action] : before) ::sigaction(number, &action, nullptr);
        if (!before.empty()) signal_pipe = -1;
        signal_watch = {};
    }

    void listen_to_signals(Loop& loop);
    void wake_up() {
        if (!asleep.exchange(false)) return;
        constexpr std::uint64_t one = 1;
        static_cast<void>(::write(wake.get(), &one, sizeof one));
    }
    void post(Callback callback) {
        {
            const std::lock_guard lock{posts_mutex};
            posts.push_back(std::move(callback));
            posted.store(true);
        }
        wake_up();
    }

    void turn(TimePoint latest) {
        wait(latest);
        run_timers();
        run_posts();
        run_hooks();
        gone.clear();
    }

    // The order matters: who posts after `asleep` was set wakes us, and who posted before is seen.
    void wait(TimePoint latest) {
        asleep.store(true);
        const bool busy = stopping.load() || posted.load();
        std::array<epoll_event, events_per_turn> events;
        int count = wait_for_events(events, busy ? TimePoint::min() : latest);
        // Interrupted, perhaps by having been stopped for long: what has come meanwhile goes before the timers that are
        // due by now.
        if (count < 0) count = wait_for_events(events, TimePoint::min());
        asleep.store(false, std::memory_order_relaxed);
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            if (event.data.ptr == nullptr)
                drain_wake();
            else if (auto* const watch = static_cast<Watch::Impl*>(event.data.ptr); watch->open)
                watch->on_events(event.events);
        }
    }
    int wait_for_events(std::array<epoll_event, events_per_turn>& events, TimePoint latest) {
        if (!timers.empty()) latest = std::min(latest, timers.begin()->first);
        if (latest == TimePoint::max())
            return ::epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), -1);
        if (latest == TimePoint::min())
            return ::epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), 0);
        const Duration left = std::max(Duration::zero(), latest - Clock::now());
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
        const timespec limit{static_cast<time_t>(seconds.count()), static_cast<long>((left - seconds).count())};
        const int count = ::epoll_pwait2(poll.get(), events.data(), static_cast<int>(events.size()), &limit, nullptr);
        if (count >= 0 || errno != ENOSYS) return count;
        // Before Linux 5.11 and under some tools there are whole milliseconds only.
        const auto whole = std::min<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(left).count(), INT_MAX);
        return ::epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), static_cast<int>(whole));
    }
    void drain_wake() {
        std::uint64_t count = 0;
        static_cast<void>(::read(wake.get(), &count, sizeof count));
    }

    void run_timers() {
        if (timers.empty()) return;
        const auto now = Clock::now();
        // No more than there are now: one that is armed anew for a time that has passed waits for the next turn.
        for (auto most = timers.size(); most > 0 && !timers.empty() && timers.begin()->first <= now; --most) {
            auto& timer = *timers.begin()->second;
            timer.disarm();
            std::exchange(timer.callback, nullptr)();
        }
    }
    // Those that are posted meanwhile wait for the next turn.
    void run_posts() {
        if (!posted.load()) return;
        {
            const std::lock_guard lock{posts_mutex};
            std::swap(posts, running_posts);
            posted.store(false);
        }
        for (auto& callback : running_posts) callback();
        running_posts.clear();
    }
    void run_hooks() {
        while (!hooks.empty()) {
            std::swap(hooks, running_hooks);
            for (auto& hook : running_hooks) hook();
            running_hooks.clear();
        }
    }
};

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;

void Loop::run() {
    impl_->stopping = false;
    while (!impl_->stopping.load(std::memory_order_relaxed)) impl_->turn(TimePoint::max());
    impl_->run_posts();  // mostly things that waited for a later turn to be let go
}

void Loop::run_turn(TimePoint latest) { impl_->turn(latest); }

void Loop::run_posts() {
    impl_->run_posts();
    impl_->run_hooks();
    impl_->gone.clear();
}

void Loop::stop() {
    impl_->stopping = true;
    impl_->wake_up();
}

bool Loop::stopped() const { return impl_->stopping.load(std::memory_order_relaxed); }

void Loop::post(Callback callback) { impl_->post(std::move(callback)); }
bool Loop::has_posts() const { return impl_->posted.load(); }
void Loop::at_end_of_turn(Callback callback) { impl_->hooks.push_back(std::move(callback)); }

void Loop::on_signals(std::initializer_list<int> signals, std::function<void(int)> callback) {
    if (impl_->signal_callbacks.empty()) impl_->listen_to_signals(*this);
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    for (const int number : signals) {
        impl_->signal_callbacks[number] = callback;
        struct sigaction old{};
        ::sigaction(number, &action, &old);
        impl_->before.emplace_back(number, old);
    }
}

void Loop::Impl::listen_to_signals(Loop& loop) {
    check(signal_pipe.load() < 0, "one loop of a process listens to signals");
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) fail_start("pipe2");
    signals = Fd{ends[0]};
    signal_pipe = ends[1];  // open until the process ends: a handler may be about to write
    signal_watch = loop.watch(ends[0]);
    signal_watch.on_readable([this] {
        unsigned char number = 0;
        while (::read(signals.get(), &number, 1) == 1)
            if (const auto found = signal_callbacks.find(number); found != signal_callbacks.end())
                found->second(number);
    });
}

Loop::Scratch Loop::scratch() {
    if (std::exchange(impl_->scratch_lent, true)) return {*impl_, {}};
    if (!impl_->scratch) impl_->scratch = std::make_unique_for_overwrite<std::byte[]>(limits::socket_read_bytes);
    return {*impl_, {impl_->scratch.get(), limits::socket_read_bytes}};
}

Loop::Scratch::~Scratch() {
    if (!bytes_.empty()) loop_.scratch_lent = false;
}

// ---- watches --------------------------------------------------------------------------------------------------------

// Tells epoll what is listened for, if that has changed. A descriptor that nobody listens to is not known to epoll, for
// an end of the peer would be told even so.
void Loop::Watch::Impl::update() {
    std::uint32_t wanted = 0;
    if (reading) wanted |= EPOLLIN;
    if (writable) wanted |= EPOLLOUT;
    const bool keep = open && (wanted != 0 || (hang_up && !gone));
    if (keep == known && wanted == registered) return;
    epoll_event event{.events = wanted, .data = {.ptr = this}};
    const int what = !keep ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    const bool done = ::epoll_ctl(loop->poll.get(), what, descriptor, &event) == 0;
    check(done || !keep, "epoll takes every socket, pipe and pidfd, as far as the kernel has memory");
    known = keep;
    registered = keep ? wanted : 0;
}

void Loop::Watch::Impl::on_events(std::uint32_t events) {
    const bool ended = (events & (EPOLLHUP | EPOLLERR)) != 0;
    if (ended && hang_up) std::exchange(hang_up, nullptr)();
    if (open && ended && !reading) gone = true;
    if (open && reading && (ended || (events & EPOLLIN) != 0)) readable();
    if (open && writable && (ended || (events & EPOLLOUT) != 0)) std::exchange(writable, nullptr)();
    if (open) update();
}

void Loop::Watch::Impl::close() {
    open = reading = false;
    update();
}

Loop::Watch Loop::watch(int descriptor) {
    Watch watch;
    watch.impl_ = std::make_shared<Watch::Impl>(*impl_, descriptor);
    return watch;
}

Loop::Watch::Watch(Watch&&) noexcept = default;
Loop::Watch& Loop::Watch::operator=(Watch&& other) noexcept {
    if (this != &other) {
        let_go();
        impl_ = std::move(other.impl_);
    }
    return *this;
}
Loop::Watch::~Watch() { let_go(); }

void Loop::Watch::let_go() {
    if (!impl_) return;
    impl_->close();
    impl_->loop->gone.push_back(std::move(impl_));
}

void Loop::Watch::on_readable(Callback callback) {
    impl_->readable = std::move(callback);
    resume_reading();
}
void Loop::Watch::pause_reading() {
    impl_->reading = false;
    impl_->update();
}
void Loop::Watch::resume_reading() {
    impl_->reading = true;
    impl_->update();
}
void Loop::Watch::on_writable_once(Callback callback) {
    impl_->writable = std::move(callback);
    impl_->update();
}
void Loop::Watch::on_hang_up_once(Callback callback) {
    impl_->hang_up = std::move(callback);
    impl_->update();
}

// ---- timers ---------------------------------------------------------------------------------------------------------

void Loop::Timer::Impl::arm(TimePoint time) {
    if (armed) disarm();
    if (spare.empty()) {
        place = loop->timers.emplace(time, this);
    } else {
        spare.key() = time;
        place = loop->timers.insert(std::move(spare));
    }
    armed = true;
}

void Loop::Timer::Impl::disarm() {
    spare = loop->timers.extract(place);
    armed = false;
}

void Loop::Timer::Impl::close() {
    if (armed) disarm();
    callback = nullptr;
}

Loop::Timer Loop::timer() {
    Timer timer;
    timer.impl_ = std::make_shared<Timer::Impl>(*impl_);
    return timer;
}

Loop::Timer::Timer(Timer&&) noexcept = default;
Loop::Timer& Loop::Timer::operator=(Timer&& other) noexcept {
    if (this != &other) {
        let_go();
        impl_ = std::move(other.impl_);
    }
    return *this;
}
Loop::Timer::~Timer() { let_go(); }

void Loop::Timer::let_go() {
    if (!impl_) return;
    impl_->close();
    impl_.reset();
}

void Loop::Timer::arm_at(TimePoint time, Callback callback) {
    impl_->callback = std::move(callback);
    impl_->arm(time);
}
void Loop::Timer::arm_after(Duration delay, Callback callback) { arm_at(Clock::now() + delay, std::move(callback)); }
void Loop::Timer::cancel() {
    if (impl_->armed) impl_->disarm();
    impl_->callback = nullptr;
}
bool Loop::Timer::armed() const { return impl_ && impl_->armed; }

}  // namespace caisson
