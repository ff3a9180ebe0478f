// SPDX-License-Identifier: Apache-2.0
/// Which thread runs the turns of an engine's loop: its own, or one that waits for a result and would only sleep.
///
///     own --(a caller waited, and nothing else is under way)--> free --take--> lent --give_back--> free
///      ^                                                         |
///      +---- somebody else needs the loop, or nobody took it ----+
///
/// A round trip then costs two switches between caller and worker, and none to a thread between them. While the loop is
/// free nobody waits for its events: its own thread looks again after a millisecond at most, and goes back to it unless
/// callers have used it meanwhile. An idle program is never woken by this.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>

#include "base/clock.hpp"
#include "base/loop.hpp"

namespace caisson::embed {

class Helm {
   public:
    explicit Helm(Loop& loop) : loop_(loop) {}
    Helm(const Helm&) = delete;
    Helm& operator=(const Helm&) = delete;

    /// The engine's own thread: runs turns until the loop is stopped. Between two of them `idle` says whether nothing
    /// is under way.
    void run(const std::function<bool()>& idle);

    /// On the thread that runs the loop: somebody slept until this turn brought what it waited for.
    void offer() { offered_ = true; }

    /// Any thread, which must be waiting for nothing but `done`: runs turns until that is true, or `latest` has come.
    /// False, at once, if the loop is not free. `idle` as above.
    template <class Done, class Idle>
    [[nodiscard]] bool drive(const Done& done, TimePoint latest, const Idle& idle) {
        if (!take()) return false;
        loop_.run_posts();
        while (!done() && !loop_.stopped() && Clock::now() < latest) loop_.run_turn(latest);
        give_back(loop_.stopped() || !idle());
        return true;
    }

    /// After a post, by whoever does not drive: somebody has to run it.
    void rouse();

   private:
    static constexpr auto look_again = std::chrono::milliseconds{1};
    enum class Holder : std::uint8_t { own, free, lent };

    [[nodiscard]] bool take();
    void give_back(bool needed);
    void lend();

    Loop& loop_;
    bool offered_ = false;  // of whoever runs the loop

    std::mutex mutex_;
    std::condition_variable changed_;
    Holder holder_ = Holder::own;
    bool needed_ = false;  // by its own thread
    bool asleep_ = false;  // its own thread is, until the loop is given back
    std::uint64_t drives_ = 0;
};

}  // namespace caisson::embed
