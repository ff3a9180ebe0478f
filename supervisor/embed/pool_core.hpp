// SPDX-License-Identifier: Apache-2.0
/// A pool between its users and its door: its methods by name, and its life from open to joined.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>

#include "embed/callbacks.hpp"
#include "embed/door.hpp"
#include "embed/owner.hpp"
#include "embed/pool/work.hpp"

namespace caisson::detail {

class PoolCore final : public Core {
   public:
    /// `keeps_alive`: what the door needs, an engine or a session.
    PoolCore(std::shared_ptr<void> keeps_alive, std::shared_ptr<embed::Door> door,
             std::function<void(std::exception_ptr)> on_callback_error);

    [[nodiscard]] const MethodInfo& method(std::string_view name) override;
    [[nodiscard]] std::shared_ptr<Work> begin(const MethodInfo& method, Plan plan) override;

    void close();
    void join();
    void terminate();
    /// Terminates, and drops callbacks that have not begun.
    void end() noexcept;

    [[nodiscard]] embed::Door& door() { return *door_; }
    [[nodiscard]] const embed::Owner& owner() const { return owner_; }
    /// Throws if the pool is no longer open.
    void require_open() const;

   private:
    const embed::Owner owner_;
    const std::shared_ptr<void> keeps_alive_;
    const std::shared_ptr<embed::Door> door_;
    const std::shared_ptr<embed::CallbackScope> scope_;
    mutable std::mutex mutex_;
    bool closed_ = false;
    bool terminated_ = false;
    bool joined_ = false;
};

}  // namespace caisson::detail
