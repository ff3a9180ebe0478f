// SPDX-License-Identifier: Apache-2.0
#include "embed/pool_core.hpp"

#include <algorithm>
#include <utility>

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "embed/job.hpp"
#include "embed/pool_settings.hpp"

namespace caisson::detail {

PoolCore::PoolCore(std::shared_ptr<void> keeps_alive, std::shared_ptr<embed::Door> door,
                   std::function<void(std::exception_ptr)> on_callback_error)
    : keeps_alive_(std::move(keeps_alive)),
      door_(std::move(door)),
      scope_(std::make_shared<embed::CallbackScope>(std::move(on_callback_error))) {}

void PoolCore::require_open() const {
    const std::lock_guard lock{mutex_};
    if (terminated_) throw PoolError(cat("pool ", door_->name(), " was terminated"));
    if (closed_) throw PoolError(cat("pool ", door_->name(), " is closed"));
}

const MethodInfo& PoolCore::method(std::string_view name) {
    require_open();
    const auto& methods = door_->methods();
    const auto found = std::ranges::find(methods, name, &MethodInfo::name);
    if (found != methods.end()) return *found;
    std::vector<std::string> names;
    std::string all;
    for (const auto& method : methods) {
        names.push_back(method.name);
        all += cat(all.empty() ? "" : ", ", method.name);
    }
    const auto near = nearest(name, names);
    throw PoolError(cat("pool ", door_->name(), " has no method ", in_quotes(name), near ? ": did you mean " : "",
                        near.value_or(""), near ? "?" : "", " It has ", all));
}

std::shared_ptr<Work> PoolCore::begin(const MethodInfo& method, Plan plan) {
    require_open();
    if (const auto fault = embed::fault_of(plan.terms)) throw PoolError(cat(method.name, ": ", fault->text()));
    if (plan.chunk && *plan.chunk == 0)
        throw PoolError(
            cat(method.name, ": a chunk of 0 items never gets anywhere: leave chunk out, or say 1 or more"));
    return std::make_shared<embed::Job>(method.name, std::move(plan), door_, scope_);
}

void PoolCore::close() {
    const std::lock_guard lock{mutex_};
    closed_ = true;
}

void PoolCore::join() {
    {
        const std::lock_guard lock{mutex_};
        if (!closed_ && !terminated_) throw PoolError(cat("pool ", door_->name(), " is joined before it is closed"));
        if (joined_) throw PoolError(cat("pool ", door_->name(), " was joined already"));
        if (door_->callbacks().on_this_thread())
            throw PoolError(
                cat("pool ", door_->name(), " is joined by one of its callbacks, which would wait for itself"));
        joined_ = true;
    }
    door_->wait_idle();
    scope_->wait_idle();
    door_->stop(false);
    scope_->rethrow();
}

void PoolCore::terminate() {
    {
        const std::lock_guard lock{mutex_};
        closed_ = terminated_ = true;
    }
    door_->stop(true);
    if (!door_->callbacks().on_this_thread()) scope_->wait_idle();
}

void PoolCore::end() noexcept {
    {
        const std::lock_guard lock{mutex_};
        closed_ = terminated_ = true;
    }
    scope_->silence();
    door_->stop(true);  // before the wait: the callback that runs may wait for work
    scope_->wait_quiet();
}

}  // namespace caisson::detail
