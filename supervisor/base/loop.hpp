// SPDX-License-Identifier: Apache-2.0
/// The event loop: one thread that waits for descriptors, timers, signals and posts, and calls back.
///
/// A turn of the loop runs every handler that is ready, then the end-of-turn hooks (that is where writes are gathered).
/// Everything is used on the loop's thread, except `post` and `stop`, which any thread may call. The loop's thread is
/// whichever runs a turn: another may take over between two of them.
///
/// It stands on epoll(7) itself, level-triggered, behind this header and nowhere else. A descriptor stays registered
/// while somebody listens to it, so that a quiet round trip costs one wait and nothing else; the libraries that were
/// looked at either pay a system call more for each event, or cannot be handed from one thread to another.
#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>

#include "base/clock.hpp"

namespace caisson {

class Loop {
    struct Impl;

   public:
    using Callback = std::move_only_function<void()>;

    Loop();
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    /// Runs turns until `stop`.
    void run();
    /// Waits until something is ready, though not beyond `latest`, and runs it.
    void run_turn(TimePoint latest = TimePoint::max());
    /// Runs what was posted, and the hooks of that, without waiting.
    void run_posts();
    /// Ends `run` after the turn under way.
    void stop();
    [[nodiscard]] bool stopped() const;
    /// Runs `callback` in a later turn.
    void post(Callback callback);
    /// True if something was posted and has not run; any thread.
    [[nodiscard]] bool has_posts() const;
    /// Runs `callback` once, at the end of this turn, before the loop waits again. Hooks may add hooks.
    void at_end_of_turn(Callback callback);
    /// The time at the start of this turn's handler: cheap, and good enough for anything that is not measured.
    [[nodiscard]] static TimePoint now() { return Clock::now(); }

    /// Memory to read into (limits::socket_read_bytes), one for all: what reads and has handled what came before its
    /// callback returns needs none of its own. Given back when this goes.
    class Scratch {
       public:
        Scratch(const Scratch&) = delete;
        Scratch& operator=(const Scratch&) = delete;
        ~Scratch();
        /// Empty if somebody has it who called us, directly or not.
        [[nodiscard]] std::span<std::byte> bytes() const { return bytes_; }

       private:
        friend class Loop;
        Scratch(Impl& loop, std::span<std::byte> bytes) : loop_(loop), bytes_(bytes) {}
        Impl& loop_;
        std::span<std::byte> bytes_;
    };
    [[nodiscard]] Scratch scratch();

    /// Tells when a descriptor is readable or writable. Does not own it: destroy the watch, then close the descriptor.
    class Watch {
       public:
        Watch() = default;
        Watch(Watch&&) noexcept;
        Watch& operator=(Watch&&) noexcept;
        ~Watch();
        /// Calls back each time the descriptor is readable, until paused. The callback may destroy the watch.
        void on_readable(Callback callback);
        void pause_reading();
        void resume_reading();
        /// Calls back once, when the descriptor is writable.
        void on_writable_once(Callback callback);
        /// Calls back once, when the peer has gone; also while reading is paused. May call back for less: look again.
        void on_hang_up_once(Callback callback);
        [[nodiscard]] explicit operator bool() const { return impl_ != nullptr; }

       private:
        friend class Loop;
        struct Impl;
        void let_go();
        std::shared_ptr<Impl> impl_;
    };
    [[nodiscard]] Watch watch(int descriptor);

    /// Calls back once at a time; arming anew replaces what was armed.
    class Timer {
       public:
        Timer() = default;
        Timer(Timer&&) noexcept;
        Timer& operator=(Timer&&) noexcept;
        ~Timer();
        void arm_at(TimePoint time, Callback callback);
        void arm_after(Duration delay, Callback callback);
        void cancel();
        [[nodiscard]] bool armed() const;

       private:
        friend class Loop;
        struct Impl;
        void let_go();
        std::shared_ptr<Impl> impl_;
    };
    [[nodiscard]] Timer timer();

    /// Calls back with each of these signals that the process gets, for as long as the loop lives.
    void on_signals(std::initializer_list<int> signals, std::function<void(int)> callback);

   private:
    std::unique_ptr<Impl> impl_;
};

}  // namespace caisson
