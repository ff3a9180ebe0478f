// SPDX-License-Identifier: Apache-2.0
#include "dispatch/scheduler.hpp"

#include <fcntl.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "dispatch/document.hpp"
#include "dispatch/poison_input.hpp"
#include "dispatch/retry.hpp"
#include "wire/records.hpp"

// Accepting and giving; how calls end stands in scheduler_ends.cpp.
namespace caisson::dispatch {

using fleet::CrewState;
using nlohmann::json;

namespace {

/// Marks the handle of a batch; the handle of a call is its token.
constexpr Handle batch_mark = Handle{1} << 63;

std::vector<std::byte> body_of(const Request& request) {
    if (request.owned != nullptr && request.owned->size() == request.body.size()) return std::move(*request.owned);
    return {request.body.begin(), request.body.end()};
}

}  // namespace

Scheduler::Scheduler(Port& port, std::uint64_t secret) : port_(port), wheel_(port.now()), poison_(secret) {}

// ---- pools ----------------------------------------------------------------------------------------------------------

void Scheduler::add_pool(const std::string& name, fleet::Hands& hands) {
    auto pool = std::make_unique<Pool>();
    pool->hands = &hands;
    pool->measures.at(port_.now(), pool->counters.by_outcome);
    pools_[name] = std::move(pool);
}

void Scheduler::remove_pool(Pool& pool) {
    pool.removed = true;
    on_change(pool);
}

void Scheduler::erase_pool(std::string_view name) {
    const auto found = pools_.find(name);
    if (found == pools_.end()) return;
    std::erase(due_, found->second.get());
    pools_.erase(found);
}

Pool* Scheduler::find(std::string_view name) {
    const auto found = pools_.find(name);
    return found == pools_.end() ? nullptr : found->second.get();
}

// ---- accepting ------------------------------------------------------------------------------------------------------

std::optional<json> Scheduler::reason_to_refuse(const Request& request, Pool* pool) const {
    if (stopping_) return service_stopping(request.pool, request.method);
    if (pool == nullptr || pool->removed) {
        std::vector<std::string> names;
        for (const auto& [name, known] : pools_)
            if (!known->removed) names.push_back(name);
        return unknown_pool(request.pool, request.method, names);
    }
    const auto& hands = *pool->hands;
    if (!takes_calls(hands.state())) return not_serving(request.method, hands);
    if (hands.info() && hands.info()->find(request.method) == nullptr)
        return unknown_method(request.pool, request.method, *hands.info());
    if (request.memory != nullptr && large_payloads_ >= limits::large_payloads)
        return over_bound(request.pool, request.method, "large_payloads",
                          cat("there are ", limits::large_payloads, " large payloads already, waiting or running"),
                          "try again when some have ended");
    return reason_of_poison(request, *pool);
}

std::optional<json> Scheduler::reason_of_poison(const Request& request, const Pool& pool) const {
    if (request.items > 0) return std::nullopt;  // each item for itself, once they are taken apart
    const auto input_bytes =
        request.params.size() + (request.memory != nullptr ? request.memory_bytes : request.body.size());
    if (!poison_.may_know(request.method, input_bytes)) return std::nullopt;
    const PoisonBody body{request.memory, request.memory_bytes, request.body};
    const auto* const entry =
        body ? poison_.refuses({pool.hands->name(), request.method, request.params, body.bytes()}) : nullptr;
    if (entry == nullptr) return std::nullopt;
    return poisonous(*entry);
}

std::optional<json> Scheduler::no_room(const Request& request, const Pool& pool) {
    const auto& bounds = pool.hands->settings().queue;
    const std::size_t items = std::max<std::uint32_t>(request.items, 1);
    if (pool.queue.size() + items > bounds.calls)
        return over_bound(request.pool, request.method, "queue.calls",
                          cat("the queue of pool ", pool.hands->name(), " is full (", bounds.calls, " calls)"),
                          "try again later, or raise queue.calls");
    if (pool.queue.bytes() + request.bytes() > bounds.bytes)
        return over_bound(request.pool, request.method, "queue.bytes",
                          cat("the queue of pool ", pool.hands->name(), " is full (", bounds.bytes, " bytes)"),
                          "try again later, or raise queue.bytes");
    return std::nullopt;
}

void Scheduler::refuse(Pool* pool, Receiver& receiver, std::uint64_t id, ItemRange items, const json& document) {
    if (pool != nullptr) {
        pool->measures.at(port_.now(), pool->counters.by_outcome);
        pool->counters.by_outcome[static_cast<std::size_t>(OutcomeKind::refused)] += items.count;
    }
    count_refusal(pool, items.count, document);
    const auto text = to_text(document);
    receiver.on_outcome(id, items, {.kind = OutcomeKind::refused, .json = text});
}

std::optional<Handle> Scheduler::submit(const Request& request, Receiver& receiver, std::uint64_t receiver_id) {
    auto* const pool = find(request.pool);
    const ItemRange all{0, std::max<std::uint32_t>(request.items, 1)};
    auto reason = reason_to_refuse(request, pool);
    if (!reason && (reason = no_room(request, *pool)) &&
        pool->hands->settings().queue.full == settings::QueueFull::wait && !pool->queue.empty()) {
        pool->waiting.insert(&receiver);
        return std::nullopt;
    }
    Fd memory;
    if (!reason && request.memory != nullptr) {
        memory = Fd{::fcntl(request.memory->get(), F_DUPFD_CLOEXEC, 0)};
        if (!memory) reason = no_descriptor(request.pool, request.method);
    }
    if (reason) {
        refuse(pool, receiver, receiver_id, all, *reason);
        return 0;
    }
    auto& call = make_call(request, *pool, receiver, receiver_id);
    if (memory) ++large_payloads_;
    set_input(call, request, std::move(memory));
    if (request.items > 0) return make_batch(request, call);
    const auto handle = call.token;
    enqueue(call);
    return handle;
}

Call& Scheduler::make_call(const Request& request, Pool& pool, Receiver& receiver, std::uint64_t receiver_id) {
    auto& call = calls_.add();
    call.number = next_number_;
    next_number_ += std::max<std::uint32_t>(request.items, 1);
    call.pool = &pool;
    call.caller = &receiver;
    call.receiver_id = receiver_id;
    call.encoding = request.encoding;
    call.priority = static_cast<std::int8_t>(std::clamp(request.priority, wire::min_priority, wire::max_priority));
    if (request.retries)
        call.retries = static_cast<std::int8_t>(std::min<std::uint32_t>(*request.retries, wire::max_retries));
    call.stream = request.stream;
    call.copied = request.copied;
    call.keep = request.keep;
    call.name = pool.names.get(request.method);
    const auto& settings = pool.hands->settings();
    Duration timeout = settings.timeout;
    if (const auto own = settings.methods.find(call.method()); own != settings.methods.end())
        timeout = own->second.timeout.value_or(settings.timeout);
    if (request.timeout) timeout = *request.timeout;
    call.accepted_ns = to_ns(port_.now());
    if (timeout > Duration::zero()) call.deadline_ns = call.accepted_ns + timeout.count();
    return call;
}

void Scheduler::set_input(Call& call, const Request& request, Fd memory) {
    const bool tiny = request.items == 0 && !memory && request.params.empty();
    if (tiny && request.body.size() <= TinyBody::max_bytes) return call.set_tiny(request.body);
    auto& extra = call.make_extra();
    extra.params = request.params;
    extra.memory = std::move(memory);
    extra.memory_bytes = request.memory_bytes;
    if (request.lent)
        extra.lent = request.body;
    else if (request.items == 0)
        extra.body = body_of(request);
}

Handle Scheduler::make_batch(const Request& request, Call& call) {
    auto batch = std::make_shared<Batch>();
    batch->handle = batch_mark | next_batch_++;
    batch->bytes = body_of(request);
    batch->offsets.reserve(request.items + 1);
    std::uint32_t offset = 0;
    for (wire::RecordReader records{batch->bytes}; const auto record = records.next();) {
        batch->offsets.push_back(offset);
        offset += static_cast<std::uint32_t>(wire::record_head_bytes + record->size());
    }
    batch->offsets.push_back(offset);
    call.items = request.items;
    call.extra()->batch = batch;
    batch->parts = &call;
    batches_.emplace(batch->handle, batch.get());
    const auto handle = batch->handle;
    enqueue(call);
    if (poison_.size() > 0) refuse_poisoned_items(*batch);
    return batches_.contains(handle) ? handle : 0;  // all may have been refused
}

void Scheduler::refuse_poisoned_items(const Batch& batch) {
    const auto items = static_cast<std::uint32_t>(batch.offsets.size() - 1);
    auto* rest = batch.parts;
    for (std::uint32_t i = 0; i < items; ++i) {
        const auto body = batch.item(i);
        if (!poison_.may_know(rest->method(), rest->params().size() + body.size())) continue;
        const auto* const entry = poison_.refuses({rest->pool->hands->name(), rest->method(), rest->params(), body});
        if (entry == nullptr) continue;
        // What stands before it goes its own way; then it; `rest` is what stands behind.
        auto& queue = rest->pool->queue;
        auto* bad = rest;
        queue.remove(*bad);
        if (i > bad->first_item) enqueue(calls_.split_front(*bad, i - bad->first_item));
        rest = nullptr;
        if (bad->items > 1) enqueue(*(rest = &calls_.split_back(*bad, bad->items - 1)));
        bad->state = CallState::resting;
        ++bad->pool->resting;
        finish_with(*bad, OutcomeKind::refused, poisonous(*entry));
        if (rest == nullptr) return;
    }
}

void Scheduler::enqueue(Call& call) {
    if (call.deadline_ns != 0) set_deadline(call, from_ns(call.deadline_ns));
    call.pool->queue.push_back(call);
    on_change(*call.pool);
}

void Scheduler::forget(Receiver& receiver) {
    for (const auto& [name, pool] : pools_) {
        pool->waiting.erase(&receiver);
        pool->queue.hold(&receiver, false);
    }
}

void Scheduler::hold(Receiver& receiver, bool held) {
    for (const auto& [name, pool] : pools_) {
        pool->queue.hold(&receiver, held);
        if (!held) on_change(*pool);
    }
}

// ---- giving ---------------------------------------------------------------------------------------------------------

void Scheduler::on_change(Pool& pool) {
    if (std::exchange(pool.due, true)) return;
    if (due_.empty()) port_.want_turn();
    due_.push_back(&pool);
}

void Scheduler::turn() {
    looked_at_.clear();
    std::swap(due_, looked_at_);
    for (auto* const pool : looked_at_) {
        pool->due = false;
        const auto state = pool->hands->state();
        if (state == CrewState::quarantined || state == CrewState::drained || state == CrewState::stopped)
            end_queue(*pool);
        else
            pump(*pool);
        if (const auto* const next = pool->queue.next())
            pool->hands->note_waiting({.calls = pool->queue.size(), .next = next->number, .newest = next_number_ - 1});
        else
            pool->hands->note_waiting({});  // nothing that could be given
        tell_room(*pool);
        const bool empty = pool->queue.empty() && pool->running == 0 && pool->resting == 0;
        if (pool->removed && empty && state != CrewState::stopping && state != CrewState::stopped)
            pool->hands->stop(port_.now());
        else if (empty && (state == CrewState::draining || state == CrewState::drained))
            pool->hands->rest();
    }
}

// Gives what waits to whoever has room, in equal shares, so that no worker gets a pile while another stays idle.
void Scheduler::pump(Pool& pool) {
    // Nothing waits, and no worker can have something behind what it runs.
    if (pool.queue.empty() && pool.running < 2) return;
    auto& takers = takers_;
    const auto look_round = [&] {
        takers.clear();
        pool.hands->find_room(takers, std::max<std::size_t>(1, pool.queue.size()));
        if (takers.size() > 1) std::ranges::sort(takers, {}, [](const auto* hand) { return hand->held(); });
    };
    look_round();
    if (pool.queue.empty() && !takers.empty() && takers.front()->held() == 0) {
        requeue(pool.hands->take_back_stuck());
        look_round();  // those that gave back have room again: everything going to one idle worker helps nobody
    }
    while (pool.queue.next() != nullptr && !takers.empty()) {
        const auto share = std::max<std::size_t>(1, pool.queue.size() / takers.size());
        for (auto* const hand : takers) give_share(pool, *hand, std::min<std::size_t>(share, hand->room()));
        if (pool.queue.next() != nullptr) look_round();
    }
}

void Scheduler::give_share(Pool& pool, fleet::Hand& hand, std::size_t most) {
    while (most > 0 && pool.queue.next() != nullptr) {
        // One caller's turn: its part of the share.
        auto turn = std::max<std::size_t>(1, most / pool.queue.callers_in_turn());
        const auto* const lane = pool.queue.turn();
        while (turn > 0 && pool.queue.turn() == lane && pool.queue.next() != nullptr) {
            const auto given = give(pool, hand, *pool.queue.next(), turn);
            turn -= given;
            most -= given;
        }
        if (pool.queue.turn() == lane) pool.queue.end_turn();
    }
}

// How many items it took of the share.
std::size_t Scheduler::give(Pool& pool, fleet::Hand& hand, Call& call, std::size_t most) {
    pool.queue.remove(call);
    if (call.items > most) {
        auto& rest = calls_.split_back(call, call.items - static_cast<std::uint32_t>(most));
        if (rest.deadline_ns != 0) set_deadline(rest, from_ns(rest.deadline_ns));
        pool.queue.push_front(rest);
    }
    const auto items = call.items;
    call.be_held(&hand);
    ++call.attempt;
    pool.running += items;
    const auto given = pool.hands->give(hand, call.token,
                                        {.method = call.method(),
                                         .params = call.params(),
                                         .body = call.input(),
                                         .encoding = call.encoding,
                                         .items = call.batch() != nullptr ? items : 0,
                                         .memory = call.memory(),
                                         .memory_bytes = call.memory_bytes(),
                                         .stream = call.stream,
                                         .copied = call.copied,
                                         .deadline_ns = call.deadline_ns,
                                         .attempt = call.attempt,
                                         .number = call.number});
    if (given == fleet::Given::taken) return items;
    --call.attempt;
    call.be_held(nullptr);
    finish_with(call, OutcomeKind::refused,
                given == fleet::Given::no_method
                    ? unknown_method(pool.hands->name(), call.method(), *pool.hands->info())
                    : no_descriptor(pool.hands->name(), call.method()));
    return items;
}

void Scheduler::requeue(const std::vector<fleet::Part>& oldest_first) {
    for (auto part = oldest_first.rbegin(); part != oldest_first.rend(); ++part) {
        auto* call = calls_.find(part->call);
        if (call == nullptr || call->state != CallState::held) continue;
        if (part->items < call->items) {
            call = &calls_.split_back(*call, part->items);
            call->ending = Ending::none;
            if (call->deadline_ns != 0) set_deadline(*call, from_ns(call->deadline_ns));
        }
        --call->attempt;  // it was not started
        call->pool->running -= call->items;
        call->pool->queue.push_front(*call);
        on_change(*call->pool);
    }
}

// Callers that wait are told when there is room for a part of what they may want, not at every single place.
void Scheduler::tell_room(Pool& pool) {
    if (pool.waiting.empty()) return;
    const auto& bounds = pool.hands->settings().queue;
    constexpr std::size_t eighth = 8;
    const bool room = pool.queue.size() <= bounds.calls - bounds.calls / eighth &&
                      pool.queue.bytes() <= bounds.bytes - bounds.bytes / eighth;
    if (!room && !pool.queue.empty()) return;
    for (auto* const receiver : std::exchange(pool.waiting, {})) receiver->on_room();
}

}  // namespace caisson::dispatch
