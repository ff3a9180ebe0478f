// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "fleet/crew.hpp"

// How many workers there are, and where each of them stands.
namespace caisson::fleet {

void Crew::start() {
    look_at_library();
    set_target(first_target());  // for later, if the library must be read first
}

void Crew::resize(std::uint32_t workers) {
    fixed_ = true;
    set_target(workers);
}

void Crew::set_target(std::uint32_t workers) {
    target_ = workers;
    fill();
    trim(Duty::working);
    trim(Duty::spare);
    update_state();
}

void Crew::apply(const settings::Pool& pool) {
    const bool changed = needs_new_worker(pool_, pool);
    if (changed || pool_.plugin != pool.plugin || pool_.start != pool.start) no_zygote_.clear();
    pool_ = pool;
    if (changed && policy_.breaker() != BreakerState::closed) {  // what failed is not what is tried now
        policy_.forgive();
        probe_timer_.cancel();
        renew_timer_.cancel();
    }
    look_at_library();
    if (trial_ && changed) start_trial(LibraryRef{trial_->library});  // it must try what is to come
    if (!uses_zygote()) {
        end_zygote();
        if (!zygote_ && policy_.breaker() == BreakerState::closed) start_waiting();  // its end will not
    }
    policy_.set_rules(pool.restart);
    if (uses_zygote() && policy_.breaker() == BreakerState::closed) want_zygote();
    fixed_ = false;
    set_target(first_target());
    renew_next();
    watch_age();
    watch_idle();
}

void Crew::fill() {
    use_spares();
    if (closed() || waits_for_library() || policy_.breaker() != BreakerState::closed) return;
    for (const auto duty : {Duty::working, Duty::spare}) {
        const auto there = static_cast<std::uint32_t>(std::ranges::count(slots_, duty, &Slot::duty));
        for (auto missing = wanted(duty) - std::min(there, wanted(duty)); missing > 0; --missing) add_slot(duty);
    }
}

// The surplus ends with the highest numbers. Those that only wait for a restart go at once.
void Crew::trim(Duty duty) {
    auto surplus = std::ranges::count(slots_, duty, &Slot::duty) - std::ptrdiff_t{wanted(duty)};
    for (auto slot = slots_.rbegin(); slot != slots_.rend() && surplus > 0; ++slot) {
        if ((*slot)->duty != duty) continue;
        --surplus;
        dismiss(**slot);
    }
    drop_empty(Duty::leaving);
}

// It takes no more calls, finishes those that it has, and goes.
void Crew::dismiss(Slot& slot) {
    slot.duty = Duty::leaving;
    slot.restart.cancel();
    if (slot.worker) slot.worker->stop(TimePoint::max());
    if (std::exchange(slot.renewing, false)) call_off_renewal();
}

void Crew::drop_empty(std::optional<Duty> duty) {
    std::erase_if(slots_, [&](const auto& slot) { return !slot->worker && (!duty || slot->duty == *duty); });
}

// With the lowest number that is free.
Crew::Slot& Crew::add_slot(Duty duty) {
    std::uint32_t id = 1;
    for (const auto& slot : slots_) {  // by their numbers
        if (slot->id > id) break;
        id = slot->id + 1;
    }
    auto next = std::make_unique<Slot>();
    next->id = id;
    next->duty = duty;
    next->restart = around_.loop.timer();
    auto& slot =
        **slots_.insert(std::ranges::upper_bound(slots_, id, {}, [](const auto& s) { return s->id; }), std::move(next));
    start_worker(slot);
    return slot;
}

// A spare that is ready takes the place of a worker that is lost, or not there yet.
void Crew::use_spares() {
    if (closed()) return;
    const auto find = [&](Duty duty, bool ready) {
        return std::ranges::find_if(slots_, [&](const auto& s) { return s->duty == duty && s->ready() == ready; });
    };
    bool used = false;
    for (auto ready = ready_workers(); ready < target_; ++ready) {
        const auto spare = find(Duty::spare, true);
        if (spare == slots_.end()) break;
        if (std::ranges::count(slots_, Duty::working, &Slot::duty) >= std::ptrdiff_t{target_})
            (*find(Duty::working, false))->duty = Duty::spare;
        (*spare)->duty = Duty::working;
        roster_.note(*(*spare)->worker);
        used = true;
    }
    if (used) listener_.on_room(*this);
}

Crew::Slot& Crew::slot_of(const Worker& worker) const {
    const auto slot = std::ranges::find_if(slots_, [&](const auto& s) { return s->worker.get() == &worker; });
    check(slot != slots_.end(), "a worker has a slot");
    return **slot;
}

void Crew::start_worker(Slot& slot) {
    slot.restart.cancel();
    Birth birth{.library = library_, .luck = chance()};
    if (slot.duty == Duty::canary) {
        birth.library = trial_->library;
    } else if (uses_zygote()) {
        if (!zygote_ || !zygote_->usable() || zygote_is_old()) return want_zygote();  // and it starts what waits
        birth = {
            .mother = zygote_->keeper_id(), .info = zygote_->info(), .library = zygote_->library(), .luck = birth.luck};
    }
    slot.worker = std::make_unique<Worker>(around_, static_cast<Worker::Owner&>(*this), pool_, slot.id, birth);
    slot.worker->spawn();
}

void Crew::schedule(Slot& slot, Duration delay) {
    const auto start = [this, &slot] {
        count_restart(slot.why);
        start_worker(slot);
    };
    if (delay <= Duration::zero()) return start();
    slot.restart.arm_after(delay, start);
}

void Crew::count_restart(EndCause why) {
    ++restarts_;
    ++restarts_by_[static_cast<std::size_t>(why)];
}

std::uint32_t Crew::ready_workers() const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(slots_, [](const auto& slot) { return slot->duty == Duty::working && slot->ready(); }));
}

std::string_view Crew::word_of(const Slot& slot) {
    if (!slot.worker) return slot.restart.armed() ? "waiting" : "starting";
    if (slot.worker->lost()) return "stopping";
    if (slot.worker->paused()) return "paused";
    if (slot.duty == Duty::spare && slot.ready()) return "spare";
    return slot.ready() && slot.worker->held() > 0 ? "running" : word(slot.worker->state());
}

}  // namespace caisson::fleet
