// SPDX-License-Identifier: Apache-2.0
#include "fleet/crew.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::fleet {
namespace {

/// The longest pause between two looks at a silent worker.
constexpr auto silence_delay_max = std::chrono::milliseconds{64};

}  // namespace

bool needs_new_worker(const settings::Pool& now, const settings::Pool& next) {
    return now.plugin != next.plugin || now.limits != next.limits || now.isolation != next.isolation ||
           now.env != next.env || now.settings_json != next.settings_json;
}

std::string_view word(CrewState state) {
    switch (state) {
        case CrewState::starting:
            return "starting";
        case CrewState::ready:
            return "ready";
        case CrewState::degraded:
            return "degraded";
        case CrewState::quarantined:
            return "quarantined";
        case CrewState::draining:
            return "draining";
        case CrewState::stopped:
            return "stopped";
    }
    return "stopped";
}

Crew::Crew(Worker::Surroundings surroundings, Listener& listener, settings::Pool pool)
    : around_(surroundings),
      listener_(listener),
      pool_(std::move(pool)),
      policy_(pool_.restart),
      zygote_timer_(surroundings.loop.timer()),
      probe_timer_(surroundings.loop.timer()),
      silence_timer_(surroundings.loop.timer()),
      silence_delay_(limits::silence_before_look) {}

Crew::~Crew() { *alive_ = false; }

// ---- size -----------------------------------------------------------------------------------------------------------

void Crew::start() { resize(settings::worker_count(pool_)); }

void Crew::resize(std::uint32_t workers) {
    target_ = workers;
    fill();
    trim(Duty::working);
    trim(Duty::spare);
    update_state();
}

void Crew::fill() {
    use_spares();
    if (stopping_ || policy_.breaker() != BreakerState::closed) return;
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
        (*slot)->duty = Duty::leaving;
        if ((*slot)->worker) (*slot)->worker->stop(TimePoint::max());
    }
    std::erase_if(slots_, [](const auto& slot) { return slot->duty == Duty::leaving && !slot->worker; });
}

// With the lowest number that is free.
void Crew::add_slot(Duty duty) {
    auto place = slots_.begin();
    std::uint32_t id = 1;
    for (; place != slots_.end() && (*place)->id == id; ++place) ++id;
    const auto slot = slots_.insert(place, std::make_unique<Slot>());
    (*slot)->id = id;
    (*slot)->duty = duty;
    (*slot)->restart = around_.loop.timer();
    start_worker(**slot);
}

// A spare that is ready takes the place of a worker that is lost, or not there yet.
void Crew::use_spares() {
    if (stopping_) return;
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
    Birth birth;
    if (uses_zygote()) {
        if (!zygote_ || !zygote_->usable() || zygote_is_old()) return want_zygote();  // and it starts what waits
        birth = {.mother = zygote_->keeper_id(), .info = zygote_->info()};
    }
    slot.worker = std::make_unique<Worker>(around_, static_cast<Worker::Owner&>(*this), pool_, slot.id, birth);
    slot.worker->spawn();
}

void Crew::schedule(Slot& slot, Duration delay) {
    const auto start = [this, &slot] {
        ++restarts_;
        ++restarts_by_[static_cast<std::size_t>(slot.why)];
        start_worker(slot);
    };
    if (delay <= Duration::zero()) return start();
    slot.restart.arm_after(delay, start);
}

std::uint32_t Crew::ready_workers() const {
    return static_cast<std::uint32_t>(
        std::ranges::count_if(slots_, [](const auto& slot) { return slot->duty == Duty::working && slot->ready(); }));
}

std::string_view Crew::word_of(const Slot& slot) {
    if (!slot.worker) return slot.restart.armed() ? "waiting" : "starting";
    if (slot.worker->lost()) return "stopping";
    if (slot.duty == Duty::spare && slot.ready()) return "spare";
    return slot.ready() && slot.worker->held() > 0 ? "running" : word(slot.worker->state());
}

void Crew::apply(const settings::Pool& pool) {
    if (needs_new_worker(pool_, pool) || pool_.start != pool.start) no_zygote_.clear();
    pool_ = pool;
    if (!uses_zygote()) end_zygote();
    policy_.set_rules(pool.restart);
    if (uses_zygote() && policy_.breaker() == BreakerState::closed) want_zygote();
    resize(settings::worker_count(pool_));
    roll_next();
}

// One worker at a time is stopped and comes back with the new settings; the next follows when it is ready. Spares
// first: then a new one takes the place of each old worker that stops.
void Crew::roll_next() {
    if (stopping_) return;
    for (const auto& slot : slots_)
        if (slot->duty != Duty::leaving && !slot->ready()) return;
    for (const auto duty : {Duty::spare, Duty::working}) {
        const auto old = std::ranges::find_if(slots_, [&](const auto& slot) {
            return slot->duty == duty && needs_new_worker(slot->worker->settings(), pool_);
        });
        if (old == slots_.end()) continue;
        (*old)->worker->stop(TimePoint::max());
        return use_spares();
    }
}

void Crew::stop(TimePoint drain_until) {
    stopping_ = true;
    probe_timer_.cancel();
    silence_timer_.cancel();
    for (auto& slot : slots_) {
        slot->restart.cancel();
        if (slot->worker) slot->worker->stop(drain_until);
    }
    std::erase_if(slots_, [](const auto& slot) { return !slot->worker; });
    end_zygote();
    update_state();
}

// ---- what workers say -----------------------------------------------------------------------------------------------

void Crew::on_worker_ready(Worker& worker) {
    around_.log.event("worker_ready", LogLevel::info, "worker ready",
                      {{"pool", name()}, {"worker", worker.id()}, {"pid", worker.pid()}});
    if (&worker == zygote_.get()) return start_waiting();
    policy_.on_ready(Clock::now());
    ever_ready_ = true;
    if (!info_ || *info_ != *worker.info()) info_ = worker.info();
    fill();  // the others, if this one was the probe of an open breaker
    if (slot_of(worker).duty == Duty::working) roster_.note(worker);
    update_state();
    listener_.on_room(*this);
    roll_next();
}

// It takes no call any more, and how it ended is still to be told. Nobody waits for that: a spare takes its place, or,
// if a call has certainly killed it, another worker is started in its place.
void Crew::on_worker_lost(Worker& worker) {
    if (&worker == zygote_.get()) return;
    next_stuck_look_ = {};
    use_spares();
    auto& slot = slot_of(worker);
    if (!stopping_ && slot.duty == Duty::working && worker.lost_in_call()) replace_early(slot);
    update_state();
    listener_.on_room(*this);  // what it had not started can go elsewhere
}

// What has been decided here is decided: see on_worker_death.
void Crew::replace_early(Slot& slot) {
    const auto decision = policy_.on_end(EndCause::in_call, Clock::now(), chance());
    slot.duty = Duty::leaving;
    slot.counted = true;
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
}

EndCause Crew::cause_of(const Death& death) const {
    if (death.intended || death.keeper_lost || death.exit.step == "zygote") return EndCause::intended;
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
    // If it was replaced for a crash in a call, and that was a lie, its end counts as what it was.
    RestartPolicy::Decision decision;
    if (!slot.counted || cause != EndCause::in_call) decision = policy_.on_end(cause, Clock::now(), chance());
    if (stopping_ || slot.duty == Duty::leaving)
        std::erase_if(slots_, [&](const auto& s) { return s.get() == &slot; });
    else if (!decision.quarantine)
        schedule(slot, decision.delay);
    if (decision.quarantine && !stopping_) quarantine(how);
    use_spares();
    listener_.on_death(*this, worker, death);
    update_state();
}

// ---- breaker --------------------------------------------------------------------------------------------------------

void Crew::quarantine(const std::string& why) {
    reason_ = why;
    around_.log.event("pool_quarantined", LogLevel::error, "pool quarantined: its workers keep ending",
                      {{"pool", name()}, {"last", why}, {"cooldown_ms", pool_.restart.cooldown.count()}});
    for (auto& slot : slots_) slot->restart.cancel();
    std::erase_if(slots_, [](const auto& slot) { return !slot->worker; });
    end_zygote();
    probe_timer_.arm_at(policy_.probe_due(), [this] { probe(); });
}

void Crew::probe() {
    if (stopping_ || policy_.breaker() != BreakerState::open) return;
    if (ready_workers() > 0) {  // some survived: they are proof enough
        policy_.forgive();
        fill();
        return update_state();
    }
    around_.log.event("pool_probed", LogLevel::info, "pool probed: one worker tries", {{"pool", name()}});
    policy_.begin_probe();
    add_slot(Duty::working);
}

void Crew::forgive() {
    policy_.forgive();
    probe_timer_.cancel();
    fill();
    update_state();
}

void Crew::update_state() {
    const auto ready = ready_workers();
    CrewState next = CrewState::degraded;
    if (stopping_)
        next = slots_.empty() && !zygote_ ? CrewState::stopped : CrewState::draining;
    else if (policy_.breaker() != BreakerState::closed && ready == 0)
        next = CrewState::quarantined;
    else if (ready >= target_)
        next = CrewState::ready;
    else if (!ever_ready_)
        next = CrewState::starting;
    if (next != CrewState::quarantined) reason_ = next == CrewState::ready ? std::string{} : last_end_;
    if (next == state_) return;
    state_ = next;
    listener_.on_state(*this);
}

// ---- silence --------------------------------------------------------------------------------------------------------

void Crew::find_room(std::vector<Hand*>& with_room, std::size_t calls) { roster_.find(with_room, calls); }

Given Crew::give(Hand& hand, CallToken call, const Work& work) {
    // Whoever has room is one of ours.
    const auto given = static_cast<Worker&>(hand).start(call, work);
    if (given == Given::taken && hand.held() > 1) watch_silence();
    return given;
}

std::vector<Part> Crew::take_back_stuck() {
    const auto now = Clock::now();
    std::vector<Part> back;
    // Nobody is silent for long before there was time to be: however often the scheduler asks, and however many workers
    // there are, they are looked at as often as that.
    if (now < next_stuck_look_) return back;
    next_stuck_look_ = now + limits::silence_before_look;
    for (const auto& slot : slots_) {
        if (!slot->worker || slot->worker->held() == 0) continue;
        if (!slot->worker->lost()) {
            if (slot->worker->held() < 2) continue;
            if (now - slot->worker->last_heard() < limits::silence_before_look) {
                watch_silence();
                continue;
            }
            slot->worker->look();
        }
        std::ranges::move(slot->worker->take_back(), std::back_inserter(back));
    }
    return back;
}

void Crew::watch_silence() {
    if (silence_timer_.armed() || stopping_) return;
    silence_timer_.arm_after(silence_delay_, [this] { look_at_silent(); });
}

// A worker that runs a slow call may hold finished results of quick ones before it, and unstarted ones behind it.
void Crew::look_at_silent() {
    const auto now = Clock::now();
    bool again = false;
    for (const auto& slot : slots_) {
        if (!slot->worker || slot->worker->held() < 2) continue;
        again = true;
        if (now - slot->worker->last_heard() >= limits::silence_before_look) slot->worker->look();
    }
    if (again) {
        silence_delay_ = std::min<Duration>(silence_delay_ * 2, silence_delay_max);
        watch_silence();
    }
    listener_.on_room(*this);
}

}  // namespace caisson::fleet
