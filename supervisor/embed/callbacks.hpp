// SPDX-License-Identifier: Apache-2.0
/// The thread that runs the user's callbacks, one after the other. The engine's own thread never does, for it must wait
/// for nobody.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace caisson::embed {

/// The callbacks of one pool: what they throw, and whether they are still wanted.
class CallbackScope {
   public:
    /// `on_error` gets what callbacks throw; without it the first is kept.
    explicit CallbackScope(std::function<void(std::exception_ptr)> on_error) : on_error_(std::move(on_error)) {}

    void expect();
    /// Runs one that was expected, unless it is no longer wanted. On the callback thread.
    void run(const std::string& method, std::move_only_function<void()>& callback);
    /// Waits until all that were expected have run.
    void wait_idle();
    /// Those that have not begun will not.
    void silence();
    /// Waits for the one that runs, unless this is it.
    void wait_quiet();
    /// Throws the first exception that was kept, once, as CallbackError.
    void rethrow();

   private:
    void caught(const std::string& method, std::exception_ptr error);

    std::function<void(std::exception_ptr)> on_error_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t expected_ = 0;
    std::thread::id running_on_;  // none if none runs
    bool silenced_ = false;
    std::string failed_method_;
    std::exception_ptr error_;
};

class Callbacks {
   public:
    Callbacks() : state_(std::make_shared<State>()) {}
    Callbacks(const Callbacks&) = delete;
    Callbacks& operator=(const Callbacks&) = delete;
    /// What has not begun is dropped.
    ~Callbacks();

    /// Never waits. The thread begins with the first.
    void post(std::shared_ptr<CallbackScope> scope, const std::string& method,
              std::move_only_function<void()> callback);
    /// Waits while many wait to be run; not on the callback thread.
    void wait_for_room();
    [[nodiscard]] std::size_t waiting() const;
    [[nodiscard]] bool on_this_thread() const;
    /// True while a callback waits for work: nothing may be held back until it goes on.
    [[nodiscard]] bool waits() const { return waits_.load(std::memory_order_relaxed); }
    void set_waits(bool waits) { waits_.store(waits, std::memory_order_relaxed); }

   private:
    struct Task {
        std::shared_ptr<CallbackScope> scope;
        std::string method;
        std::move_only_function<void()> callback;
    };
    // Shared with the thread: a callback may let go of the last user of its engine.
    struct State {
        mutable std::mutex mutex;
        std::condition_variable changed;
        std::deque<Task> tasks;
        bool ending = false;
        std::thread::id thread;
    };
    static void run(const std::shared_ptr<State>& state);

    std::shared_ptr<State> state_;
    std::atomic<bool> waits_ = false;
    std::thread thread_;
};

}  // namespace caisson::embed
