// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "fleet/crew.hpp"

// Renewal: a worker that must be replaced goes on until its successor is ready.
namespace caisson::fleet {

bool needs_new_worker(const settings::Pool& now, const settings::Pool& next) {
    return now.limits != next.limits || now.isolation != next.isolation || now.env != next.env ||
           now.heartbeat != next.heartbeat || now.settings_json != next.settings_json;
}

void Crew::renew(Slot& slot, std::string why) {
    if (slot.worker) slot.worker->want_renewal(std::move(why));
    renew_next();
}

void Crew::renew_all(const std::string& why) {
    for (const auto& slot : slots_)
        if (slot->ready()) slot->worker->want_renewal(why);
    renew_next();
}

std::string Crew::why_renew(const Slot& slot) const {
    if (slot.duty != Duty::working && slot.duty != Duty::spare) return {};
    if (!slot.ready()) return {};
    if (!slot.worker->renewal().empty()) return slot.worker->renewal();
    if (needs_new_worker(slot.worker->settings(), pool_)) return "its settings changed";
    if (has_old_library(*slot.worker)) return "its library changed";
    return {};
}

// One successor at a time, and none while the breaker keeps the pool from starting anything. Spares first: should a
// worker be lost meanwhile, a new one takes its place.
void Crew::renew_next() {
    if (closed() || policy_.breaker() != BreakerState::closed || renew_timer_.armed() || find(Duty::successor)) return;
    if (std::ranges::count(slots_, Duty::leaving, &Slot::duty) >= std::ptrdiff_t{limits::renewals_leaving}) return;
    if (auto* const old = next_to_renew()) begin_renewal(*old);
}

Crew::Slot* Crew::next_to_renew() const {
    for (const auto duty : {Duty::spare, Duty::working})
        for (const auto& slot : slots_)
            if (slot->duty == duty && !why_renew(*slot).empty()) return slot.get();
    return nullptr;
}

void Crew::begin_renewal(Slot& old) {
    old.renewing = true;
    add_slot(Duty::successor);
}

Crew::Slot* Crew::find(Duty duty) const {
    const auto slot = std::ranges::find(slots_, duty, &Slot::duty);
    return slot == slots_.end() ? nullptr : slot->get();
}

Crew::Slot* Crew::renewed() const {
    const auto slot = std::ranges::find(slots_, true, &Slot::renewing);
    return slot == slots_.end() ? nullptr : slot->get();
}

// The successor is ready.
void Crew::succeed(Slot& successor) {
    auto* const old = renewed();
    check(old != nullptr && old->worker, "a successor has somebody to succeed");
    old->renewing = false;
    // What was wanted when the successor was started may not be wanted any more; there it is all the same.
    auto why = why_renew(*old);
    if (why.empty()) why = "it was to be replaced";
    successor.duty = old->duty;
    around_.log.event("worker_recycled", LogLevel::info, "worker replaced by a new one",
                      {{"pool", name()},
                       {"worker", old->id},
                       {"pid", old->worker->pid()},
                       {"why", why},
                       {"successor", successor.id}});
    dismiss(*old);
}

// Whoever was to be replaced has ended by itself: its successor, which is on its way, replaces it now.
void Crew::inherit(Slot& old) {
    old.renewing = false;
    auto* const successor = find(Duty::successor);
    check(successor != nullptr, "who is renewed has a successor");
    successor->duty = std::exchange(old.duty, Duty::leaving);
    count_restart(old.why);
}

// Whoever was to be replaced is not needed any more.
void Crew::call_off_renewal() {
    if (auto* const successor = find(Duty::successor)) dismiss(*successor);
}

// The successor has ended before it was ready. Whoever it was to replace goes on; another try follows when the policy
// allows one.
void Crew::retry_renewal(Duration delay) {
    if (auto* const old = renewed()) old->renewing = false;
    renew_timer_.arm_after(delay, [this] {
        auto* const next = find(Duty::successor) ? nullptr : next_to_renew();
        if (policy_.breaker() == BreakerState::half_open && next != nullptr) return begin_renewal(*next);
        renew_next();
    });
}

}  // namespace caisson::fleet
