// SPDX-License-Identifier: Apache-2.0
/// What other threads want from an engine's thread, in order. One wake-up brings all that came meanwhile.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace caisson::embed {

class Inbox {
   public:
    using Order = std::move_only_function<void()>;

    /// `wake` is called with an order that finds none before it, and must not wait; with false if whoever pushes will
    /// see to it that the engine runs.
    explicit Inbox(std::function<void(bool rouse)> wake) : wake_(std::move(wake)) {}

    /// False if the engine has ended; the order is dropped.
    bool push(Order order, bool rouse = true) {
        {
            const std::lock_guard lock{mutex_};
            if (closed_) return false;
            orders_.push_back(std::move(order));
            if (orders_.size() > 1) return true;
        }
        wake_(rouse);
        return true;
    }
    /// The same, after waiting while the engine is far behind. Not on the engine's thread.
    bool push_when_room(Order order, bool rouse = true) {
        {
            std::unique_lock lock{mutex_};
            taken_.wait(lock, [&] { return closed_ || orders_.size() < orders_waiting; });
        }
        return push(std::move(order), rouse);
    }
    /// On the engine's thread: carries out what is there.
    void carry_out() {
        {
            const std::lock_guard lock{mutex_};
            std::swap(orders_, taking_);
            taken_.notify_all();
        }
        for (auto& order : taking_) order();
        taking_.clear();
    }
    /// No more orders.
    void close() {
        const std::lock_guard lock{mutex_};
        closed_ = true;
        taken_.notify_all();
    }

   private:
    /// Orders that wait for the engine: enough to keep it busy for some milliseconds.
    static constexpr std::size_t orders_waiting = 16 * 1024;

    std::function<void(bool)> wake_;
    std::mutex mutex_;
    std::condition_variable taken_;
    std::vector<Order> orders_;
    std::vector<Order> taking_;  // of the engine's thread; keeps its memory
    bool closed_ = false;
};

}  // namespace caisson::embed
