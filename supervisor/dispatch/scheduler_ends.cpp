// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.hpp"
#include "dispatch/document.hpp"
#include "dispatch/poison_input.hpp"
#include "dispatch/retry.hpp"
#include "dispatch/scheduler.hpp"

// How calls end: answers, deaths, deadlines, cancels, and the attempts in between.
namespace caisson::dispatch {

using nlohmann::json;
using settings::RetryCause;

namespace {

/// How often workers may die with a call next in line before it is no longer believed that it was not started. The
/// claim word tells started from waiting; this bounds what a plugin that scribbles over it can do.
constexpr std::uint8_t max_handed_back = 5;

constexpr std::uint32_t status_ok = 0;
constexpr std::uint32_t status_unavailable = 3;
constexpr std::uint32_t status_cancelled = 4;

constexpr Handle batch_mark = Handle{1} << 63;

}  // namespace

// ---- callers --------------------------------------------------------------------------------------------------------

std::vector<CallToken> Scheduler::records_of(Handle handle) {
    if ((handle & batch_mark) == 0) return {handle};
    std::vector<CallToken> tokens;
    const auto found = batches_.find(handle);
    if (found == batches_.end()) return tokens;
    for (const auto* part = found->second->parts; part != nullptr; part = part->extra()->part_next)
        tokens.push_back(part->token);
    return tokens;
}

// Ending one record of a batch may split others off it, which are to end as well.
void Scheduler::cancel(Handle handle) {
    for (bool again = true; again;) {
        again = false;
        for (const auto token : records_of(handle)) {
            auto* const call = calls_.find(token);
            if (call == nullptr || call->ending != Ending::none || call->state == CallState::reporting) continue;
            end_early(*call, Ending::cancelled);
            again = true;
        }
    }
}

void Scheduler::abandon(Handle handle) {
    bool keep = false;
    for (const auto token : records_of(handle)) {
        auto* const call = calls_.find(token);
        if (call == nullptr) continue;
        if (call->muted) hold_stream(token, false);
        call->abandoned = true;
        keep = call->keep;
    }
    if (!keep) cancel(handle);
}

void Scheduler::hold_stream(Handle handle, bool held) {
    auto* const call = calls_.find(handle);
    if (call == nullptr || call->muted == held || call->state != CallState::held) return;
    call->muted = held;
    call->hand()->listen(!held);
}

// ---- workers --------------------------------------------------------------------------------------------------------

void Scheduler::on_chunk(CallToken token, wire::Encoding encoding, std::span<const std::byte> bytes) {
    auto* const call = calls_.find(token);
    if (call == nullptr || call->ending != Ending::none) return;
    call->streamed = true;
    if (auto* const receiver = call->receiver()) receiver->on_chunk(call->receiver_id, encoding, bytes);
}

void Scheduler::on_progress(CallToken token, double fraction, std::string_view note) {
    auto* const call = calls_.find(token);
    if (call != nullptr && !call->abandoned && call->ending == Ending::none)
        call->caller->on_progress(call->receiver_id, fraction, printable(note));
}

void Scheduler::on_answer(const fleet::Hands& hands, CallToken token, const fleet::Answer& answer) {
    auto* call = calls_.find(token);
    check(call != nullptr && call->state == CallState::held, "a worker answers calls that it holds");
    on_change(*call->pool);
    const bool plain = call->ending == Ending::none && answer.status == status_ok;
    const Outcome ok{.kind = OutcomeKind::ok,
                     .encoding = answer.encoding,
                     .body = answer.body,
                     .records = answer.records,
                     .attempts = call->attempt,
                     .memory = answer.memory,
                     .memory_bytes = answer.memory_bytes};
    if (plain) {
        if (answer.items < call->items) {  // measured with the last of them
            auto& extra = *call->extra();
            extra.answered += answer.items;
            extra.run_ns += answer.run_ns;
        } else {
            measure(*call, answer);
        }
        return finish_items(*call, answer.items, ok);
    }
    if (call->items > answer.items) call = &calls_.split_front(*call, answer.items);
    if (answer.started) measure(*call, answer);
    if (call->ending != Ending::none) return finish_ended(*call, answer.started, nullptr);
    // The worker knows the deadline too, and may have seen it pass a tick before the wheel did.
    if (answer.status == status_cancelled && call->deadline_ns != 0 && to_ns(port_.now()) >= call->deadline_ns) {
        call->ending = Ending::deadline;
        return finish_ended(*call, answer.started, nullptr);
    }
    if (answer.status == status_cancelled && hands.state() == fleet::CrewState::stopping) {
        call->ending = Ending::stopping;
        return finish_ended(*call, true, nullptr);
    }
    fail(*call, hands, answer);
}

void Scheduler::fail(Call& call, const fleet::Hands& hands, const fleet::Answer& answer) {
    (void)hands;
    const auto cause = answer.status == status_unavailable ? RetryCause::unavailable : RetryCause::failed;
    if (may_retry(call, cause)) return rest(call, cause);
    auto document = document_of(call, OutcomeKind::failed);
    document["status"] = wire::status_words[answer.status];
    document["message"] =
        answer.error.empty() ? cat("the plugin returned ", wire::status_words[answer.status]) : printable(answer.error);
    finish_with(call, OutcomeKind::failed, std::move(document));
}

void Scheduler::on_death(const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death) {
    // First what waited: it is taken off the records of what had been started.
    std::vector<fleet::Part> bystanders;
    std::vector<CallToken> hit;
    for (const auto& part : death.unstarted) {
        auto* call = calls_.find(part.call);
        if (call == nullptr) continue;
        // Calls run in their order: behind one that had been started, or behind the first, none can have killed it.
        const bool first = death.started.empty() && &part == &death.unstarted.front() && !death.intended;
        if (!first || ++call->handed_back <= max_handed_back) {
            bystanders.push_back(part);
            continue;
        }
        if (call->items > 1) {
            bystanders.push_back({call->token, call->items - 1});
            call = &calls_.split_front(*call, 1);
        }
        hit.push_back(call->token);
    }
    requeue(bystanders);
    for (const auto& part : death.started) hit.push_back(part.call);
    bool reported = false;
    for (const auto token : hit) {
        auto* const call = calls_.find(token);
        if (call == nullptr) continue;
        reported = true;
        if (call->ending == Ending::none && death.intended && death.exit.kind == fleet::Exit::Kind::killed)
            call->ending = Ending::stopping;
        if (call->ending != Ending::none)
            finish_ended(*call, true, &death.exit);
        else
            crash(*call, hands, hand, death);
    }
    const bool clean = death.intended && death.exit.kind == fleet::Exit::Kind::exited && death.exit.code == 0;
    const bool by_us =
        death.keeper_lost || death.ordered || (death.intended && death.exit.kind == fleet::Exit::Kind::killed);
    if (!reported && !clean && !by_us) (void)port_.report(hands, hand, death, nullptr, 0, 0);
    if (auto* const pool = find(hands.name())) on_change(*pool);
}

void Scheduler::crash(Call& call, const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death) {
    const auto& rules = hands.settings().poison;
    const auto now = port_.now();
    const auto* const batch = call.batch();
    const PoisonBody body{call.memory(), call.memory_bytes(),
                          batch != nullptr ? batch->item(call.first_item) : call.input()};
    const PoisonInput input{hands.name(), call.method(), call.params(), body.bytes()};
    const bool again = may_retry(call, RetryCause::crashed) && !(body && poison_.would_be(input, now, rules));
    const auto token = again ? 0 : call.token;
    if (!again) {
        wheel_.remove(call);
        call.state = CallState::reporting;
    }
    // The call may be gone when this returns, so the input is counted with copies of its own.
    const std::string method = call.method();
    const std::string params{call.params()};
    const std::vector<std::byte> bytes(input.body.begin(), input.body.end());
    const auto call_token = call.token;
    const auto id = port_.report(hands, hand, death, &call, max_attempts(call), token);
    if (body && rules.crashes > 0 && !death.ordered && !death.keeper_lost)
        (void)poison_.note_crash({hands.name(), method, params, bytes}, now, rules, id, port_.wall_time());
    if (!again) return;
    if (auto* const back = calls_.find(call_token)) rest(*back, RetryCause::crashed);
}

void Scheduler::reported(CallToken token, const json& document) {
    auto* const call = calls_.find(token);
    if (call == nullptr || call->state != CallState::reporting) return;
    auto told = document;
    // Now, not at the time of death: what a caller wants to know is whether the pool goes on.
    told["pool_ready"] = call->pool->hands->ready_workers();
    told["pool_workers"] = call->pool->hands->target();
    if (call->ending == Ending::cancelled) told["cancelled"] = true;
    finish_with(*call, OutcomeKind::crashed, std::move(told));
}

// ---- deadlines ------------------------------------------------------------------------------------------------------

void Scheduler::set_deadline(Call& call, TimePoint due) {
    wheel_.set(call, due);
    const auto look_at = due + DeadlineWheel::tick;
    if (look_at >= next_look_) return;
    next_look_ = look_at;
    port_.want_look(look_at);
}

void Scheduler::look() {
    next_look_ = TimePoint::max();
    std::vector<CallToken> due;
    for (auto* const entry : wheel_.expire(port_.now())) due.push_back(static_cast<Call*>(entry)->token);
    for (const auto token : due)  // the end of one may be the end of another
        if (auto* const call = calls_.find(token)) on_deadline(*call);
    const auto next = wheel_.next_look();
    if (!next || *next >= next_look_) return;
    next_look_ = *next;
    port_.want_look(*next);
}

void Scheduler::on_deadline(Call& call) {
    const bool passed = call.deadline_ns != 0 && to_ns(port_.now()) >= call.deadline_ns;
    if (call.state == CallState::resting && !passed) return wake(call);
    if (call.ending == Ending::none) return end_early(call, Ending::deadline);
    // It was asked to give up and did not: its time of grace is over.
    if (auto* const hand = call.hand())
        hand->kill(fleet::Exit::Kind::killed, call.ending == Ending::deadline
                                                  ? "its call ran past its deadline"
                                                  : "its call was cancelled and did not give up");
}

void Scheduler::end_early(Call& call, Ending why) {
    call.ending = why;
    if (call.state == CallState::reporting) return;  // it ended by itself
    if (call.state == CallState::held) {
        // The claim word decides, for both sides at once, what has been started.
        auto& hand = *call.hand();
        if (call.muted) hold_stream(call.token, false);  // what it still writes is dropped
        const auto token = call.token;
        if (!hand.running(token) || call.items > 1) requeue(hand.take_back());
        if (call.state == CallState::held) {
            hand.cancel(token);
            return set_deadline(call, port_.now() + call.pool->hands->settings().stop.grace);
        }
    }
    finish_ended(call, false, nullptr);
}

// ---- attempts -------------------------------------------------------------------------------------------------------

std::uint32_t Scheduler::max_attempts(const Call& call) const {
    const auto& hands = *call.pool->hands;
    return 1 + granted_retries(call, hands.settings(), hands.info().get());
}

bool Scheduler::may_retry(const Call& call, RetryCause cause) const {
    const auto& rules = call.pool->hands->settings().retry;
    if (stopping_ || call.pool->removed || call.streamed || call.attempt >= max_attempts(call)) return false;
    if (call.items != 1 || !is_retried(cause, rules)) return false;
    // There must be time left for it; one that ran out of time gets as much again.
    return cause == RetryCause::timed_out || call.deadline_ns == 0 ||
           to_ns(port_.now() + rules.backoff_min) < call.deadline_ns;
}

void Scheduler::rest(Call& call, RetryCause cause) {
    auto& pool = *call.pool;
    --pool.running;
    ++pool.resting;
    ++pool.counters.retries;
    call.state = CallState::resting;
    call.ending = Ending::none;
    call.muted = false;
    const auto again = port_.now() + retry_pause(call.attempt, pool.hands->settings().retry, port_.chance());
    if (cause == RetryCause::timed_out) {
        const auto timeout = call.timeout();
        call.accepted_ns = to_ns(again);
        if (timeout > Duration::zero()) call.deadline_ns = to_ns(again + timeout);
    }
    set_deadline(call, call.deadline_ns == 0 ? again : std::min(again, from_ns(call.deadline_ns)));
}

void Scheduler::wake(Call& call) {
    --call.pool->resting;
    if (call.deadline_ns != 0) set_deadline(call, from_ns(call.deadline_ns));
    call.pool->queue.push_front(call);
    on_change(*call.pool);
}

// ---- outcomes -------------------------------------------------------------------------------------------------------

// The first items ended, and the others go on.
void Scheduler::finish_items(Call& call, std::uint32_t items, const Outcome& outcome) {
    if (items == call.items) return finish(call, outcome);
    call.pool->counters.by_outcome[static_cast<std::size_t>(outcome.kind)] += items;
    call.pool->running -= items;
    const ItemRange ended{call.first_item, items};
    call.first_item += items;
    call.number += items;
    call.items -= items;
    if (auto* const receiver = call.receiver()) receiver->on_outcome(call.receiver_id, ended, outcome);
}

void Scheduler::finish(Call& call, const Outcome& outcome) {
    auto& pool = *call.pool;
    count_end(call, outcome.kind);
    if (auto* const hand = call.hand(); hand != nullptr && call.muted) hand->listen(true);
    if (call.state == CallState::queued)
        pool.queue.remove(call);
    else if (call.state == CallState::resting)
        pool.resting -= call.items;
    else
        pool.running -= call.items;
    wheel_.remove(call);
    if (call.memory() != nullptr) --large_payloads_;
    auto* const receiver = call.receiver();
    const auto id = call.receiver_id;
    const ItemRange items{call.first_item, call.items};
    const auto batch = call.extra() != nullptr ? call.extra()->batch : nullptr;
    calls_.remove(call);
    if (batch && batch->parts == nullptr) batches_.erase(batch->handle);
    if (pool.removed || !takes_calls(pool.hands->state()) || !pool.waiting.empty()) on_change(pool);
    if (receiver != nullptr) receiver->on_outcome(id, items, outcome);
    if (calls_.size() == 0) port_.on_empty();
}

json Scheduler::document_of(const Call& call, OutcomeKind kind) const {
    return call_document(call, *call.pool->hands, kind, max_attempts(call));
}

void Scheduler::finish_with(Call& call, OutcomeKind kind, json document) {
    if (kind == OutcomeKind::refused) count_refusal(call.pool, call.items, document);
    const auto text = to_text(document);
    finish(call, {.kind = kind, .json = text, .attempts = call.attempt});
}

void Scheduler::finish_ended(Call& call, bool ran, const fleet::Exit* exit) {
    if (ran && call.ending == Ending::deadline && may_retry(call, RetryCause::timed_out))
        return rest(call, RetryCause::timed_out);
    const auto kind = call.ending == Ending::deadline ? OutcomeKind::timed_out : OutcomeKind::cancelled;
    if (kind == OutcomeKind::timed_out)
        (ran ? call.pool->measures.timed_out_running : call.pool->measures.timed_out_waiting) += call.items;
    auto document = document_of(call, kind);
    document["phase"] = ran ? "running" : "waiting";
    if (exit != nullptr) document["exit"] = exit_json(*exit);
    std::string message = call.ending == Ending::deadline    ? "its deadline passed"
                          : call.ending == Ending::cancelled ? "cancelled by its caller"
                                                             : "the service stopped";
    message += ran                                ? " while it ran"
               : call.state == CallState::resting ? " while it waited for its next attempt"
                                                  : " while it waited for a worker";
    if (ran && exit != nullptr) message += "; it did not give up within stop.grace, so its worker was killed";
    document["message"] = std::move(message);
    if (call.ending == Ending::deadline) document["hint"] = "see timeout in the configuration, or --timeout";
    finish_with(call, kind, std::move(document));
}

// Its workers take no more: refused if they may come back, cancelled if not.
void Scheduler::end_queue(Pool& pool) {
    while (auto* const call = pool.queue.any()) {
        if (pool.hands->state() != fleet::CrewState::stopped) {
            finish_with(*call, OutcomeKind::refused, not_serving(call->method(), *pool.hands));
        } else {
            call->ending = Ending::stopping;
            finish_ended(*call, false, nullptr);
        }
    }
}

void Scheduler::cancel_waiting() {
    for (const auto state : {CallState::queued, CallState::resting})
        for (const auto token : calls_.in_state(state)) {
            auto* const call = calls_.find(token);
            if (call == nullptr || call->state != state) continue;
            call->ending = Ending::stopping;
            finish_ended(*call, false, nullptr);
        }
}

}  // namespace caisson::dispatch
