// SPDX-License-Identifier: Apache-2.0
#include "fleet/crew.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::fleet {
Crew::Crew(Worker::Surroundings surroundings, Listener& listener, settings::Pool pool)
    : around_(surroundings),
      listener_(listener),
      pool_(std::move(pool)),
      policy_(pool_.restart),
      library_timer_(surroundings.loop.timer()),
      canary_timer_(surroundings.loop.timer()),
      zygote_timer_(surroundings.loop.timer()),
      probe_timer_(surroundings.loop.timer()),
      renew_timer_(surroundings.loop.timer()),
      grow_timer_(surroundings.loop.timer()),
      shrink_timer_(surroundings.loop.timer()),
      age_timer_(surroundings.loop.timer()),
      pulse_timer_(surroundings.loop.timer()),
      silence_timer_(surroundings.loop.timer()),
      silence_delay_(limits::silence_before_look) {}

Crew::~Crew() { *alive_ = false; }

void Crew::stop(TimePoint drain_until) {
    stopping_ = true;
    halt(drain_until);
    enter(CrewEvent::stop);
    update_state();
}

void Crew::halt(TimePoint drain_until) {
    for (auto* const timer :
         {&probe_timer_, &renew_timer_, &silence_timer_, &grow_timer_, &shrink_timer_, &age_timer_, &library_timer_})
        timer->cancel();
    if (trial_) seen_stamp_.clear();  // who goes on later tries it again
    end_trial();
    for (auto& slot : slots_) {
        slot->restart.cancel();
        slot->renewing = false;
        if (slot->duty == Duty::successor) slot->duty = Duty::leaving;
        if (slot->worker) slot->worker->stop(drain_until);
    }
    drop_empty();
    end_zygote();
}

// ---- what workers say -----------------------------------------------------------------------------------------------

void Crew::on_worker_ready(Worker& worker) {
    around_.log.event("worker_ready", LogLevel::info, "worker ready",
                      {{"pool", name()}, {"worker", worker.id()}, {"pid", worker.pid()}});
    if (&worker == zygote_.get()) return start_waiting();
    if (is_canary(worker)) return on_canary_ready();
    policy_.on_ready(Clock::now());
    auto& slot = slot_of(worker);
    if (slot.duty == Duty::successor) succeed(slot);
    fill();  // the others, if this one was the probe of an open breaker
    if (slot.duty == Duty::working) roster_.note(worker);
    library_proven_ |= !has_old_library(worker);
    learn_methods(worker);
    update_state();
    listener_.on_room(*this);
    renew_next();
    watch_age();
    watch_idle();
}

// It takes no call any more, and how it ended is still to be told. Nobody waits for that: a spare takes its place, or,
// if a call has certainly killed it, another worker is started in its place.
void Crew::on_worker_lost(Worker& worker) {
    if (&worker == zygote_.get()) return;
    next_stuck_look_ = {};
    use_spares();
    auto& slot = slot_of(worker);
    if (!closed() && slot.duty == Duty::working && worker.lost_in_call()) replace_early(slot);
    update_state();
    listener_.on_room(*this);  // what it had not started can go elsewhere
}

// What has been decided here is decided: see on_worker_death.
void Crew::replace_early(Slot& slot) {
    const auto decision = policy_.on_end(EndCause::in_call, Clock::now(), chance());
    slot.counted = true;
    slot.why = EndCause::in_call;
    if (slot.renewing) return inherit(slot);
    slot.duty = Duty::leaving;
    auto next = std::make_unique<Slot>();
    next->id = slot.id;
    next->why = EndCause::in_call;
    next->restart = around_.loop.timer();
    schedule(*slots_.insert(std::ranges::find(slots_, slot.id, &Slot::id), std::move(next))->get(), decision.delay);
}

void Crew::on_worker_chunk(Worker& worker, CallToken call, wire::Encoding encoding, std::span<const std::byte> bytes) {
    (void)worker;
    listener_.on_chunk(call, encoding, bytes);
}

void Crew::on_worker_progress(Worker& worker, CallToken call, double fraction, std::string_view note) {
    (void)worker;
    listener_.on_progress(call, fraction, note);
}

void Crew::on_worker_answer(Worker& worker, CallToken call, const Answer& answer) {
    roster_.note(worker);
    policy_.on_served();
    if (silence_delay_ > limits::silence_before_look) {  // there is news again: the next silence is looked at soon
        silence_delay_ = limits::silence_before_look;
        if (silence_timer_.armed()) {
            silence_timer_.cancel();
            watch_silence();
        }
    }
    listener_.on_answer(*this, call, answer);
    if (pool_.recycling.max_calls > 0 || pool_.recycling.max_memory > 0) look_at_life(worker);
    if (is_canary(worker)) on_canary_answer(answer);
}

EndCause Crew::cause_of(const Death& death) const {
    if (death.intended || death.ordered || death.keeper_lost || death.exit.step == "zygote") return EndCause::intended;
    if (!death.was_serving) return EndCause::failed_start;
    return death.started.empty() ? EndCause::outside_call : EndCause::in_call;
}

void Crew::on_worker_death(Worker& worker, const Death& death) {
    const auto cause = cause_of(death);
    const auto how = words(death.exit, cause == EndCause::in_call);
    if (cause == EndCause::intended && death.exit.kind == Exit::Kind::exited && death.exit.code == 0)
        around_.log.event("worker_stopped", LogLevel::info, "worker stopped",
                          {{"pool", name()}, {"worker", worker.id()}, {"pid", death.pid}});
    else
        around_.log.event("worker_ended", LogLevel::warn, "worker ended",
                          {{"pool", name()}, {"worker", worker.id()}, {"pid", death.pid}, {"exit", how}});
    if (cause != EndCause::intended) last_end_ = how;
    if (death.exit.kind == Exit::Kind::setup_failed && death.exit.step == "zygote") give_up_zygote(death.exit.why);
    if (&worker == zygote_.get()) return on_zygote_death(death, cause);

    roster_.forget(worker);
    auto& slot = slot_of(worker);
    // It is still in its callback: it goes in a later turn.
    around_.loop.post([gone = std::shared_ptr<Worker>(std::move(slot.worker))] {});

    slot.why = cause;
    if (slot.duty == Duty::canary && !stopping_) {
        on_canary_end(slot, cause, how);
        auto told = death;
        told.ordered |= cause == EndCause::in_call;  // it is the version that is to blame, and no input
        listener_.on_death(*this, worker, told);
        return update_state();
    }
    // If it was replaced for a crash in a call, and that was a lie, its end counts as what it was.
    RestartPolicy::Decision decision;
    if (!slot.counted || cause != EndCause::in_call) decision = policy_.on_end(cause, Clock::now(), chance());
    if (slot.renewing) inherit(slot);
    const auto duty = slot.duty;
    if (closed() || duty == Duty::leaving || duty == Duty::successor)
        std::erase_if(slots_, [&](const auto& s) { return s.get() == &slot; });
    else if (!decision.quarantine)
        schedule(slot, decision.delay);
    if (duty == Duty::successor && !closed()) retry_renewal(decision.delay);
    if (decision.quarantine && !closed()) quarantine(how);
    use_spares();
    listener_.on_death(*this, worker, death);
    update_state();
    renew_next();
}

// ---- breaker --------------------------------------------------------------------------------------------------------

void Crew::quarantine(const std::string& why) {
    if (trial_) return take_over(LibraryRef{trial_->library});  // worse than the old version it cannot be
    reason_ = why;
    around_.log.event("pool_quarantined", LogLevel::error, "pool quarantined: its workers keep ending",
                      {{"pool", name()}, {"last", why}, {"cooldown_ms", pool_.restart.cooldown.count()}});
    renew_timer_.cancel();
    for (auto& slot : slots_) slot->restart.cancel();
    drop_empty();
    if (auto* const old = renewed(); old != nullptr && find(Duty::successor) == nullptr) old->renewing = false;
    end_zygote();
    probe_timer_.arm_at(policy_.probe_due(), [this] { probe(); });
}

void Crew::probe() {
    if (closed() || policy_.breaker() != BreakerState::open) return;
    auto* const old = find(Duty::successor) ? nullptr : next_to_renew();
    if (ready_workers() > 0 && old == nullptr) {  // some survived: they are proof enough
        policy_.forgive();
        fill();
        return update_state();
    }
    look_at_library();  // it may have been put right
    around_.log.event("pool_probed", LogLevel::info, "pool probed: one worker tries", {{"pool", name()}});
    policy_.begin_probe();
    if (old != nullptr)  // those that survived are of an earlier kind, and prove nothing
        begin_renewal(*old);
    else
        add_slot(Duty::working);
}

void Crew::forgive() {
    if (std::exchange(refused_, std::nullopt)) seen_stamp_.clear();
    look_at_library();
    policy_.forgive();
    probe_timer_.cancel();
    renew_timer_.cancel();
    for (const auto& slot : slots_)
        if (slot->restart.armed()) schedule(*slot, Duration::zero());
    if (zygote_timer_.armed()) {
        zygote_timer_.cancel();
        uses_zygote() ? start_zygote() : start_waiting();
    }
    start_waiting();  // those whose end has closed the pool
    fill();
    renew_next();
    update_state();
}

// What holds now.
CrewEvent Crew::fact() const {
    if (closed() && slots_.empty() && !zygote_) return CrewEvent::emptied;
    const auto ready = ready_workers();
    if (ready >= target_) return CrewEvent::all_ready;
    if (ready > 0) return CrewEvent::some_ready;
    return policy_.breaker() == BreakerState::closed ? CrewEvent::none_ready : CrewEvent::broken;
}

void Crew::update_state() { enter(fact()); }

void Crew::enter(CrewEvent event) {
    const auto before = state_;
    state_ = next_state(state_, event).value_or(state_);
    if (state_ == CrewState::ready) last_end_.clear();
    if (drained())
        reason_ = "an operator drains it, until `caisson resume`";
    else if (state_ != CrewState::quarantined)
        reason_ = last_end_;
    if (state_ == before) return;
    state_since_ = Clock::now();
    listener_.on_state(*this);
}

}  // namespace caisson::fleet
