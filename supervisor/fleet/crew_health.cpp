// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "fleet/crew.hpp"

// Workers that have lived long enough, and workers that give no sign of life.
namespace caisson::fleet {

// ---- recycling ------------------------------------------------------------------------------------------------------

// After an answer, and only if the settings say max_calls or max_memory.
void Crew::look_at_life(Worker& worker) {
    if (!worker.renewal().empty()) return;
    if (pool_.recycling.max_memory > 0) worker.measure_within(limits::memory_look);
    const Life lived{.calls = worker.calls(), .age = {}, .memory_bytes = worker.memory_bytes()};
    auto why = outlived(lived, pool_.recycling, worker.luck());
    if (why.empty()) return;
    worker.want_renewal(std::move(why));
    // Later: whoever looks through the slots may have asked for this answer.
    around_.loop.post([this, alive = alive_] {
        if (*alive) renew_next();
    });
}

// One timer, for whoever is due first.
void Crew::watch_age() {
    age_timer_.cancel();
    if (closed() || pool_.recycling.max_age == pool_.recycling.max_age.zero()) return;
    auto first = TimePoint::max();
    for (const auto& slot : slots_) {
        if (!slot->ready() || slot->duty == Duty::leaving || !slot->worker->renewal().empty()) continue;
        const auto age = lifespan(pool_.recycling, slot->worker->luck()).age;
        first = std::min(first, slot->worker->since() + age);
    }
    if (first != TimePoint::max()) age_timer_.arm_at(first, [this] { recycle_old(); });
}

void Crew::recycle_old() {
    const auto now = Clock::now();
    const settings::Recycling by_age{.max_age = pool_.recycling.max_age};
    for (const auto& slot : slots_) {
        if (!slot->ready()) continue;
        auto& worker = *slot->worker;
        auto why = outlived({.age = now - worker.since()}, by_age, worker.luck());
        if (!why.empty()) worker.want_renewal(std::move(why));
    }
    renew_next();
    watch_age();
}

// ---- heartbeat ------------------------------------------------------------------------------------------------------

void Crew::watch_pulse() {
    if (pulse_timer_.armed() || pool_.heartbeat == pool_.heartbeat.zero()) return;
    const Duration tick = Duration{pool_.heartbeat} / looks_per_heartbeat;
    pulse_looked_ = Clock::now();
    pulse_timer_.arm_after(tick, [this, tick] { feel_pulse(tick); });
}

// As long as somebody owes a sign of life.
void Crew::feel_pulse(Duration tick) {
    const auto elapsed = Clock::now() - pulse_looked_;
    const bool late = is_late(elapsed, tick);
    bool again = zygote_ && zygote_->judge(elapsed, late);
    for (const auto& slot : slots_)
        if (slot->worker && slot->worker->judge(elapsed, late)) again = true;
    if (again) watch_pulse();
}

void Crew::on_worker_paused(Worker& worker, bool paused) {
    around_.log.event(paused ? "worker_paused" : "worker_continued", paused ? LogLevel::warn : LogLevel::info,
                      paused ? "a signal has stopped a worker" : "a stopped worker goes on",
                      {{"pool", name()}, {"worker", worker.id()}, {"pid", worker.pid()}});
    if (paused) watch_pulse();
    if (&worker == zygote_.get()) return paused ? void() : start_waiting();
    use_spares();
    if (!paused && slot_of(worker).duty == Duty::working) roster_.note(worker);
    update_state();
    listener_.on_room(*this);
}

}  // namespace caisson::fleet
