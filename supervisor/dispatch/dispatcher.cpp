// SPDX-License-Identifier: Apache-2.0
#include "dispatch/dispatcher.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/system.hpp"
#include "base/text.hpp"
#include "dispatch/document.hpp"

namespace caisson::dispatch {

using fleet::Crew;
using fleet::CrewState;
using nlohmann::json;

namespace {

/// How often workers may die with a call next in line before it is no longer believed that it was not started. The
/// claim word tells started from waiting; this bounds what a plugin that scribbles over it can do.
constexpr std::uint8_t max_handed_back = 5;

/// When the library was last changed: a new version has other places at the same offsets.
std::string stamp_of(const std::filesystem::path& library) {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(library, error);
    return error ? std::string{} : cat(changed.time_since_epoch().count());
}

std::string dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

Dispatcher::Dispatcher(Surroundings surroundings)
    : around_(std::move(surroundings)),
      keeper_(around_.loop, around_.log, around_.program_dir),
      reports_(around_.log, around_.report_dir, around_.report_count),
      symbols_(around_.loop, around_.log, keeper_),
      wheel_(Clock::now()),
      deadline_timer_(around_.loop.timer()),
      drain_timer_(around_.loop.timer()) {}

Dispatcher::~Dispatcher() { *alive_ = false; }

// ---- pools ----------------------------------------------------------------------------------------------------------

void Dispatcher::add_pool(const settings::Pool& settings) {
    auto pool = std::make_unique<Pool>();
    pool->crew =
        std::make_unique<Crew>(fleet::Worker::Surroundings{around_.loop, around_.log, keeper_, around_.output_rules},
                               static_cast<Crew::Listener&>(*this), settings);
    auto& crew = *pool->crew;
    pools_[settings.name] = std::move(pool);
    crew.start();
}

void Dispatcher::apply(const settings::Pool& settings) {
    if (auto* const pool = find(settings.name)) pool->crew->apply(settings);
}

void Dispatcher::remove_pool(std::string_view name) {
    auto* const pool = find(name);
    if (pool == nullptr) return;
    pool->removed = true;
    pump_later(*pool);
}

Pool* Dispatcher::find(std::string_view name) {
    const auto found = pools_.find(name);
    return found == pools_.end() ? nullptr : found->second.get();
}

// ---- accepting ------------------------------------------------------------------------------------------------------

std::optional<json> Dispatcher::reason_to_refuse(const Request& request, Pool* pool) const {
    if (stopping_) return service_stopping(request.pool, request.method);
    if (pool == nullptr || pool->removed) {
        std::vector<std::string> names;
        for (const auto& [name, known] : pools_)
            if (!known->removed) names.push_back(name);
        return unknown_pool(request.pool, request.method, names);
    }
    const auto& crew = *pool->crew;
    if (crew.state() == CrewState::quarantined) return not_serving(request.method, crew);
    if (crew.info() && crew.info()->find(request.method) == nullptr)
        return unknown_method(request.pool, request.method, *crew.info());
    const auto& bounds = crew.settings().queue;
    if (pool->queue.size() >= bounds.calls)
        return over_bound(request.pool, request.method, "queue.calls",
                          cat("the queue of pool ", crew.name(), " is full (", bounds.calls, " calls)"),
                          "try again later, or raise queue.calls");
    if (pool->queue.bytes() + request.params.size() + request.body.size() > bounds.bytes)
        return over_bound(request.pool, request.method, "queue.bytes",
                          cat("the queue of pool ", crew.name(), " is full (", bounds.bytes, " bytes)"),
                          "try again later, or raise queue.bytes");
    return std::nullopt;
}

void Dispatcher::refuse(Pool* pool, Receiver& receiver, std::uint64_t id, const json& document) {
    if (pool != nullptr) ++pool->counters.by_outcome[static_cast<std::size_t>(OutcomeKind::refused)];
    const auto text = dump(document);
    receiver.on_outcome(id, {.kind = OutcomeKind::refused, .json = text});
}

CallToken Dispatcher::submit(const Request& request, Receiver& receiver, std::uint64_t receiver_id) {
    auto* const pool = find(request.pool);
    if (auto reason = reason_to_refuse(request, pool)) {
        refuse(pool, receiver, receiver_id, *reason);
        return 0;
    }
    auto& call = calls_.add();
    call.number = next_number_++;
    call.pool = pool;
    call.receiver = &receiver;
    call.receiver_id = receiver_id;
    call.encoding = request.encoding;
    call.method = request.method;
    call.params = request.params;
    call.body.assign(request.body.begin(), request.body.end());
    const Duration timeout = request.timeout.value_or(pool->crew->settings().timeout);
    if (timeout > Duration::zero()) {
        const auto due = Clock::now() + timeout;
        call.deadline_ns = to_ns(due);
        set_deadline(call, due);
    }
    pool->queue.push_back(call);
    pump_later(*pool);
    return call.token;
}

// ---- giving ---------------------------------------------------------------------------------------------------------

void Dispatcher::pump_later(Pool& pool) {
    if (pool.pump_due) return;
    pool.pump_due = true;
    around_.loop.at_end_of_turn([this, alive = alive_, name = pool.crew->name()] {
        if (!*alive) return;
        if (auto* const found = find(name)) {
            found->pump_due = false;
            pump(*found);
        }
    });
}

// Gives what waits to whoever has room, in equal shares, so that no worker gets a pile while another stays idle.
void Dispatcher::pump(Pool& pool) {
    std::vector<fleet::Worker*> takers;
    bool somebody_idle = false;
    const auto look_round = [&] {
        takers.clear();
        somebody_idle = false;
        for (const auto& slot : pool.crew->slots()) {
            if (!slot->worker || slot->worker->room() == 0) continue;
            takers.push_back(slot->worker.get());
            somebody_idle |= slot->worker->held() == 0;
        }
        std::ranges::sort(takers, {}, [](const auto* worker) { return worker->held(); });
    };
    look_round();
    if (pool.queue.size() == 0 && somebody_idle) requeue(pool.crew->take_back_stuck());
    while (pool.queue.size() > 0 && !takers.empty()) {
        const std::size_t share = std::max<std::size_t>(1, pool.queue.size() / takers.size());
        for (auto* const worker : takers) {
            const std::size_t count = std::min<std::size_t>({share, worker->room(), pool.queue.size()});
            for (std::size_t i = 0; i < count && pool.queue.size() > 0; ++i) give(pool, *worker, *pool.queue.front());
        }
        look_round();
    }
    if (pool.removed && pool.queue.size() == 0 && pool.running == 0 && pool.crew->state() != CrewState::draining) {
        pool.crew->stop(Clock::now());
    }
}

void Dispatcher::give(Pool& pool, fleet::Worker& worker, Call& call) {
    pool.queue.remove(call);
    call.state = CallState::held;
    call.worker = &worker;
    ++call.attempt;
    ++pool.running;
    const fleet::Work work{.method = call.method,
                           .params = call.params,
                           .body = call.body,
                           .encoding = call.encoding,
                           .deadline_ns = call.deadline_ns,
                           .attempt = call.attempt,
                           .number = call.number};
    if (pool.crew->give(worker, call.token, work)) return;
    call.attempt = 0;
    finish_with(call, OutcomeKind::refused, unknown_method(pool.crew->name(), call.method, *worker.info()));
}

void Dispatcher::requeue(const std::vector<CallToken>& oldest_first) {
    for (auto token = oldest_first.rbegin(); token != oldest_first.rend(); ++token) {
        auto* const call = calls_.find(*token);
        if (call == nullptr || call->state != CallState::held) continue;
        call->worker = nullptr;
        --call->attempt;  // it was not started
        --call->pool->running;
        call->pool->queue.push_front(*call);
        pump_later(*call->pool);
    }
}

void Dispatcher::on_room(Crew& crew) {
    if (auto* const pool = find(crew.name())) pump_later(*pool);
}

// ---- answers --------------------------------------------------------------------------------------------------------

void Dispatcher::on_chunk(CallToken token, wire::Encoding encoding, std::span<const std::byte> bytes) {
    auto* const call = calls_.find(token);
    if (call != nullptr && call->receiver != nullptr && call->ending == Ending::none)
        call->receiver->on_chunk(call->receiver_id, encoding, bytes);
}

void Dispatcher::on_progress(CallToken token, double fraction, std::string_view note) {
    auto* const call = calls_.find(token);
    if (call != nullptr && call->receiver != nullptr && call->ending == Ending::none)
        call->receiver->on_progress(call->receiver_id, fraction, printable(note));
}

void Dispatcher::on_answer(Crew& crew, CallToken token, const fleet::Answer& answer) {
    auto* const call = calls_.find(token);
    check(call != nullptr && call->state == CallState::held, "a worker answers calls that it holds");
    pump_later(*call->pool);
    if (call->ending != Ending::none) return finish_ended(*call, answer.started, nullptr);
    constexpr std::uint32_t status_ok = 0;
    constexpr std::uint32_t status_cancelled = 4;
    if (answer.status == status_ok)
        return finish(*call, {.kind = OutcomeKind::ok, .encoding = answer.encoding, .body = answer.body});
    // The worker knows the deadline too, and may have seen it pass a tick before the wheel did.
    if (answer.status == status_cancelled && call->deadline_ns != 0 && to_ns(Clock::now()) >= call->deadline_ns) {
        call->ending = Ending::deadline;
        return finish_ended(*call, answer.started, nullptr);
    }
    if (answer.status == status_cancelled && crew.state() == CrewState::draining) {
        call->ending = Ending::stopping;
        return finish_ended(*call, true, nullptr);
    }
    auto document = call_document(*call, crew, OutcomeKind::failed);
    document["status"] = wire::status_words[answer.status];
    document["message"] =
        answer.error.empty() ? cat("the plugin returned ", wire::status_words[answer.status]) : printable(answer.error);
    finish_with(*call, OutcomeKind::failed, document);
}

// ---- deaths ---------------------------------------------------------------------------------------------------------

void Dispatcher::on_death(Crew& crew, fleet::Worker& worker, const fleet::Death& death) {
    std::vector<CallToken> bystanders;
    std::vector<CallToken> hit = death.started;
    for (const auto token : death.unstarted) {
        auto* const call = calls_.find(token);
        if (call == nullptr) continue;
        // Calls run in their order: behind one that had been started, or behind the first, none can have killed it.
        const bool first = death.started.empty() && token == death.unstarted.front();
        const bool suspect = first && !death.intended && ++call->handed_back > max_handed_back;
        (suspect ? hit : bystanders).push_back(token);
    }
    requeue(bystanders);
    bool reported = false;
    for (const auto token : hit) {
        auto* const call = calls_.find(token);
        if (call == nullptr) continue;
        if (call->ending != Ending::none) {
            finish_ended(*call, true, &death.exit);
        } else if (death.intended && death.exit.kind == fleet::Exit::Kind::killed) {
            call->ending = Ending::stopping;
            finish_ended(*call, true, &death.exit);
        } else {
            report_death(crew, worker, death, call);
        }
        reported = true;
    }
    const bool clean = death.intended && death.exit.kind == fleet::Exit::Kind::exited && death.exit.code == 0;
    const bool by_us = death.keeper_lost || (death.intended && death.exit.kind == fleet::Exit::Kind::killed);
    if (!reported && !clean && !by_us) report_death(crew, worker, death, nullptr);
    if (auto* const pool = find(crew.name())) pump_later(*pool);
    check_stopped();
}

void Dispatcher::report_death(Crew& crew, fleet::Worker& worker, const fleet::Death& death, Call* call) {
    CrashReport report{.id = new_report_id(),
                       .time = sys::wall_time(),
                       .pool = crew.name(),
                       .plugin = crew.settings().plugin.filename().string(),
                       .version = crew.info() ? crew.info()->version : std::string{},
                       .method = call != nullptr ? call->method : std::string{},
                       .call = call != nullptr ? call->number : 0,
                       .worker = worker.id(),
                       .pid = death.pid,
                       .exit = death.exit,
                       .stack = {},
                       .output = death.output,
                       .attempts = call != nullptr ? call->attempt : 0U,
                       .max_attempts = 1};
    CallToken token = 0;
    if (call != nullptr) {
        token = call->token;
        wheel_.remove(*call);
        call->state = CallState::reporting;
        call->worker = nullptr;
    }
    auto stack = death.exit.crash ? death.exit.crash->stack : std::vector<fleet::StackAddress>{};
    symbols_.resolve(std::move(stack), stamp_of(crew.settings().plugin),
                     [this, alive = alive_, report = std::move(report), token](std::vector<StackPlace> places) mutable {
                         if (!*alive) return;
                         report.stack = std::move(places);
                         auto document = report.to_json();
                         reports_.add(report.id, document);
                         auto* const ended = token != 0 ? calls_.find(token) : nullptr;
                         if (ended == nullptr) return;
                         // Now, not at the time of death: what a caller wants to know is whether the pool goes on.
                         document["pool_ready"] = ended->pool->crew->ready_workers();
                         document["pool_workers"] = ended->pool->crew->target();
                         finish_with(*ended, OutcomeKind::crashed, document);
                     });
}

void Dispatcher::on_state(Crew& crew) {
    around_.log.info("pool state", {{"pool", crew.name()}, {"state", word(crew.state())}, {"reason", crew.reason()}});
    auto* const pool = find(crew.name());
    if (pool == nullptr) return;
    if (crew.state() == CrewState::quarantined) refuse_queue(*pool);
    if (crew.state() == CrewState::stopped) cancel_queue(*pool);
    if (crew.state() == CrewState::stopped && pool->removed) {
        // The crew is in its callback: the pool goes in a later turn.
        around_.loop.post([this, alive = alive_, name = crew.name()] {
            if (*alive && find(name) != nullptr && find(name)->removed) pools_.erase(name);
        });
    }
    check_stopped();
}

void Dispatcher::refuse_queue(Pool& pool) {
    while (auto* const call = pool.queue.front())
        finish_with(*call, OutcomeKind::refused, not_serving(call->method, *pool.crew));
}

void Dispatcher::cancel_queue(Pool& pool) {
    while (auto* const call = pool.queue.front()) {
        call->ending = Ending::stopping;
        finish_ended(*call, false, nullptr);
    }
}

// ---- deadlines and cancelling ---------------------------------------------------------------------------------------

void Dispatcher::set_deadline(Call& call, TimePoint due) {
    wheel_.set(call, due);
    look_at_deadlines(due + DeadlineWheel::tick);  // by then the wheel, which rounds up, knows it as due
}

// One timer for the soonest look: what comes later moves it only forward.
void Dispatcher::look_at_deadlines(TimePoint when) {
    if (deadline_timer_.armed() && deadline_look_ <= when) return;
    deadline_look_ = when;
    deadline_timer_.arm_at(when, [this] {
        std::vector<CallToken> due;
        for (auto* const entry : wheel_.expire(Clock::now())) due.push_back(static_cast<Call*>(entry)->token);
        for (const auto token : due)  // the end of one may be the end of another
            if (auto* const call = calls_.find(token)) on_deadline(*call);
        if (const auto next = wheel_.next_look()) look_at_deadlines(*next);
    });
}

void Dispatcher::on_deadline(Call& call) {
    if (call.ending == Ending::none) return end_early(call, Ending::deadline);
    // It was asked to give up and did not: its time of grace is over.
    if (call.worker != nullptr)
        call.worker->kill(fleet::Exit::Kind::killed, call.ending == Ending::deadline
                                                         ? "its call ran past its deadline"
                                                         : "its call was cancelled and did not give up");
}

void Dispatcher::cancel(CallToken token) {
    auto* const call = calls_.find(token);
    if (call != nullptr && call->ending == Ending::none) end_early(*call, Ending::cancelled);
}

void Dispatcher::abandon(CallToken token) {
    auto* const call = calls_.find(token);
    if (call == nullptr) return;
    call->receiver = nullptr;
    cancel(token);
}

void Dispatcher::end_early(Call& call, Ending why) {
    if (call.state == CallState::reporting) return;  // it ended by itself
    call.ending = why;
    if (call.state == CallState::held) {
        // The claim word decides, for both sides at once, whether it has been started.
        auto& worker = *call.worker;
        if (!worker.running(call.token)) requeue(worker.take_back());
    }
    if (call.state == CallState::queued) return finish_ended(call, false, nullptr);
    call.worker->cancel(call.token);
    set_deadline(call, Clock::now() + call.pool->crew->settings().stop.grace);
}

// ---- outcomes -------------------------------------------------------------------------------------------------------

void Dispatcher::finish(Call& call, const Outcome& outcome) {
    auto& pool = *call.pool;
    ++pool.counters.by_outcome[static_cast<std::size_t>(outcome.kind)];
    if (call.state == CallState::queued)
        pool.queue.remove(call);
    else
        --pool.running;
    wheel_.remove(call);
    auto* const receiver = call.receiver;
    const auto id = call.receiver_id;
    calls_.remove(call);
    if (receiver != nullptr) receiver->on_outcome(id, outcome);
    if (stopping_ && calls_.size() == 0) stop_crews(Clock::now());
    if (pool.removed) pump_later(pool);
}

void Dispatcher::finish_with(Call& call, OutcomeKind kind, const json& document) {
    const auto text = dump(document);
    finish(call, {.kind = kind, .json = text});
}

void Dispatcher::finish_ended(Call& call, bool ran, const fleet::Exit* exit) {
    const auto kind = call.ending == Ending::deadline ? OutcomeKind::timed_out : OutcomeKind::cancelled;
    auto document = call_document(call, *call.pool->crew, kind);
    document["phase"] = ran ? "running" : "waiting";
    if (exit != nullptr) document["exit"] = exit_json(*exit);
    std::string message = call.ending == Ending::deadline    ? "its deadline passed"
                          : call.ending == Ending::cancelled ? "cancelled by its caller"
                                                             : "the service stopped";
    message += ran ? " while it ran" : " while it waited for a worker";
    if (ran && exit != nullptr) message += "; it did not give up within stop.grace, so its worker was killed";
    document["message"] = std::move(message);
    if (call.ending == Ending::deadline) document["hint"] = "see timeout in the configuration, or --timeout";
    finish_with(call, kind, document);
}

// ---- stop -----------------------------------------------------------------------------------------------------------

void Dispatcher::stop(TimePoint drain_until, std::function<void()> done) {
    stopping_ = true;
    stopped_ = std::move(done);
    drain_until_ = std::min(drain_until_, drain_until);
    if (calls_.size() == 0 || drain_until_ <= Clock::now()) {
        stop_crews(Clock::now());
    } else {
        around_.log.info("draining", {{"calls", calls_.size()}});
        drain_timer_.arm_at(drain_until_, [this] { stop_crews(Clock::now()); });
    }
}

void Dispatcher::stop_crews(TimePoint drain_until) {
    if (!std::exchange(crews_stopped_, true)) {
        drain_timer_.cancel();
        for (const auto& [name, pool] : pools_) {
            cancel_queue(*pool);
            pool->crew->stop(drain_until);
        }
    }
    around_.loop.post([this, alive = alive_] {
        if (*alive) check_stopped();
    });
}

void Dispatcher::check_stopped() {
    if (!crews_stopped_ || calls_.size() > 0 || !stopped_) return;
    for (const auto& [name, pool] : pools_)
        if (pool->crew->state() != CrewState::stopped) return;
    std::exchange(stopped_, nullptr)();
}

}  // namespace caisson::dispatch
