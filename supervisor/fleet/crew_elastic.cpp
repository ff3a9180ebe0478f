// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/limits.hpp"
#include "fleet/crew.hpp"

// A pool that grows with what waits, and shrinks when it is idle.
namespace caisson::fleet {

// An operator's `resize` holds until the settings of the pool change.
bool Crew::is_elastic() const { return pool_.elastic && !fixed_ && !closed(); }

std::uint32_t Crew::first_target() const {
    if (!pool_.elastic) return settings::worker_count(pool_);
    return std::clamp(target_, pool_.elastic->min, settings::most_workers(pool_));
}

void Crew::start_from(std::uint32_t workers) {
    if (!is_elastic()) return;
    set_target(std::clamp(workers, pool_.elastic->min, settings::most_workers(pool_)));
}

void Crew::note_waiting(const Waiting& waiting) {
    if (!is_elastic()) return;
    const auto due = growth_.note(waiting, Clock::now(), pool_.elastic->grow_after);
    if (!due) return grow_timer_.cancel();
    // While workers are being started, or cannot be, more of them are no help.
    if (grow_timer_.armed() || ready_workers() < target_ || target_ >= settings::most_workers(pool_)) return;
    grow_timer_.arm_at(*due, [this] { grow(); });
}

void Crew::grow() {
    if (!is_elastic() || ready_workers() < target_ || policy_.breaker() != BreakerState::closed) return;
    const auto most = settings::most_workers(pool_);
    const auto more = growth_.grow(Clock::now(), pool_.elastic->grow_after, most - std::min(target_, most));
    if (more == 0) return listener_.on_room(*this);  // what waits now is younger: it is noted again
    around_.log.event("pool_grew", LogLevel::info, "calls wait: the pool grows",
                      {{"pool", name()}, {"was", target_}, {"workers", target_ + more}});
    set_target(target_ + more);
}

void Crew::watch_idle() {
    if (!is_elastic() || target_ <= pool_.elastic->min || shrink_timer_.armed()) return;
    shrink_timer_.arm_after(pool_.elastic->idle, [this] { shrink_idle(); });
}

void Crew::shrink_idle() {
    if (!is_elastic() || target_ <= pool_.elastic->min) return;
    std::vector<Slot*> working;
    std::vector<std::optional<TimePoint>> idle_since;
    for (const auto& slot : slots_) {
        if (slot->duty != Duty::working || !slot->ready()) continue;
        working.push_back(slot.get());
        const auto& worker = *slot->worker;
        if (worker.held() == 0)
            idle_since.emplace_back(std::max(worker.since(), worker.last_heard()));
        else
            idle_since.emplace_back();
    }
    const auto [surplus, look_again] =
        shrink(idle_since, target_ - pool_.elastic->min, pool_.elastic->idle, Clock::now());
    if (look_again) shrink_timer_.arm_at(*look_again, [this] { shrink_idle(); });
    if (surplus.empty()) return;
    const auto was = target_;
    target_ -= static_cast<std::uint32_t>(surplus.size());
    around_.log.event("pool_shrank", LogLevel::info, "workers were idle: the pool shrinks",
                      {{"pool", name()}, {"was", was}, {"workers", target_}});
    for (const auto place : surplus) dismiss(*working[place]);
    drop_empty(Duty::leaving);
    update_state();
}

}  // namespace caisson::fleet
