// SPDX-License-Identifier: Apache-2.0
/// The result of work that goes on elsewhere.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <utility>

#include "work.hpp"

namespace caisson {

/// Of one call, or of a map. Copies share the same work. It may outlive its pool, whose end ends what has not ended. A
/// future that goes does not cancel anything.
template <class T>
class Future {
   public:
    /// Waits, and returns the value or throws CallError.
    [[nodiscard]] T get() const {
        auto value = result();
        if (!value) throw CallError{std::move(value.error())};
        if constexpr (!std::is_void_v<T>) return std::move(*value);
    }
    /// Waits, and returns the value or how it failed.
    [[nodiscard]] std::expected<T, Failure> result() const {
        static_cast<void>(work_->wait({}));
        return read_(*work_);
    }

    void wait() const { static_cast<void>(work_->wait({})); }
    /// False if it has not ended after this time.
    [[nodiscard]] bool wait_for(std::chrono::milliseconds time) const {
        return work_->wait(std::chrono::steady_clock::now() + time);
    }
    [[nodiscard]] bool wait_until(std::chrono::steady_clock::time_point time) const { return work_->wait(time); }
    /// True once it has ended.
    [[nodiscard]] bool ready() const { return wait_for(std::chrono::milliseconds{0}); }

    /// Asks it to give up: what waits ends at once; what runs is told, and its worker killed after the pool's grace.
    void cancel() const { work_->cancel(); }
    /// What the method last said of itself; of a map, the part of its items that has ended.
    [[nodiscard]] Progress progress() const { return work_->progress(); }

   private:
    friend class Pool;
    using Read = std::function<std::expected<T, Failure>(detail::Work&)>;
    Future(std::shared_ptr<detail::Work> work, Read read) : work_(std::move(work)), read_(std::move(read)) {}

    std::shared_ptr<detail::Work> work_;
    Read read_;
};

}  // namespace caisson
