// SPDX-License-Identifier: Apache-2.0
#include "embed/callbacks.hpp"

#include <cxxabi.h>

#include <utility>

#include "base/text.hpp"
#include "embed/pool/failure.hpp"
#include "embed/threads.hpp"

namespace caisson::embed {
namespace {

/// Callbacks that wait to be run: who hands over more work meanwhile waits for some of them.
constexpr std::size_t callbacks_waiting = 10'000;

std::string text_of(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::exception& known) {
        return known.what();
    } catch (...) {
        return "something that is no exception";
    }
}

}  // namespace

// ---- scope ----------------------------------------------------------------------------------------------------------

void CallbackScope::expect() {
    const std::lock_guard lock{mutex_};
    ++expected_;
}

void CallbackScope::run(const std::string& method, std::move_only_function<void()>& callback) {
    {
        const std::lock_guard lock{mutex_};
        if (!silenced_) running_on_ = std::this_thread::get_id();
    }
    if (running_on_ != std::thread::id{}) {
        try {
            callback();
        } catch (const abi::__forced_unwind&) {
            throw;  // the thread is being cancelled, which must not be stopped
        } catch (...) {
            caught(method, std::current_exception());
        }
    }
    callback = nullptr;  // with what it holds, before anybody is told that it is over
    const std::lock_guard lock{mutex_};
    running_on_ = {};
    --expected_;
    changed_.notify_all();
}

void CallbackScope::caught(const std::string& method, std::exception_ptr error) {
    if (on_error_) {
        try {
            return on_error_(error);
        } catch (...) {
            error = std::current_exception();
        }
    }
    const std::lock_guard lock{mutex_};
    if (error_) return;
    error_ = std::move(error);
    failed_method_ = method;
}

void CallbackScope::wait_idle() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return expected_ == 0; });
}

void CallbackScope::silence() {
    const std::lock_guard lock{mutex_};
    silenced_ = true;
}

void CallbackScope::wait_quiet() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [&] { return running_on_ == std::thread::id{} || running_on_ == std::this_thread::get_id(); });
}

void CallbackScope::rethrow() {
    std::exception_ptr error;
    std::string method;
    {
        const std::lock_guard lock{mutex_};
        error = std::exchange(error_, nullptr);
        method = failed_method_;
    }
    if (error) throw CallbackError(cat("a callback of ", method, " threw: ", text_of(error)), error);
}

// ---- thread ---------------------------------------------------------------------------------------------------------

Callbacks::~Callbacks() {
    std::deque<Task> dropped;
    {
        const std::lock_guard lock{state_->mutex};
        state_->ending = true;
        dropped.swap(state_->tasks);
        state_->changed.notify_all();
    }
    if (!thread_.joinable()) return;
    if (on_this_thread()) {
        thread_.detach();  // it goes when the callback that let go of us returns
    } else {
        thread_.join();
    }
}

void Callbacks::post(std::shared_ptr<CallbackScope> scope, const std::string& method,
                     std::move_only_function<void()> callback) {
    scope->expect();
    const std::lock_guard lock{state_->mutex};
    state_->tasks.push_back({std::move(scope), method, std::move(callback)});
    if (!thread_.joinable()) {
        thread_ = quiet_thread([state = state_] { run(state); });
        state_->thread = thread_.get_id();
    }
    state_->changed.notify_all();
}

void Callbacks::run(const std::shared_ptr<State>& state) {
    std::unique_lock lock{state->mutex};
    while (true) {
        state->changed.wait(lock, [&] { return state->ending || !state->tasks.empty(); });
        if (state->ending) return;
        auto task = std::move(state->tasks.front());
        state->tasks.pop_front();
        if (state->tasks.size() == callbacks_waiting - 1) state->changed.notify_all();
        lock.unlock();
        task.scope->run(task.method, task.callback);
        task = {};
        lock.lock();
    }
}

void Callbacks::wait_for_room() {
    std::unique_lock lock{state_->mutex};
    if (state_->thread == std::this_thread::get_id()) return;
    state_->changed.wait(lock, [&] { return state_->ending || state_->tasks.size() < callbacks_waiting; });
}

std::size_t Callbacks::waiting() const {
    const std::lock_guard lock{state_->mutex};
    return state_->tasks.size();
}

bool Callbacks::on_this_thread() const {
    const std::lock_guard lock{state_->mutex};
    return state_->thread == std::this_thread::get_id();
}

}  // namespace caisson::embed
