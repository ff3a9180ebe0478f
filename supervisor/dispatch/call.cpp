// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call.hpp"

#include "base/result.hpp"
#include "wire/records.hpp"

namespace caisson::dispatch {
namespace {

// A token is a generation above and an index below. A generation is never 0, so no token is, and its top bit is the
// mark of a batch's handle (Scheduler).
constexpr int index_bits = 32;
constexpr std::uint64_t generation_mask = 0x7FFF'FFFF;

/// Bytes of a record's buffers that are kept for the next call; larger ones are given back.
constexpr std::size_t kept_bytes = 4096;

CallToken next_generation(CallToken token) {
    const auto generation = ((token >> index_bits) + 1) & generation_mask;
    return (generation == 0 ? 1 : generation) << index_bits | static_cast<std::uint32_t>(token);
}

void link_part(Call& call) {
    Batch& batch = *call.batch;
    call.part_previous = nullptr;
    call.part_next = batch.parts;
    if (batch.parts != nullptr) batch.parts->part_previous = &call;
    batch.parts = &call;
}

void unlink_part(Call& call) {
    (call.part_previous != nullptr ? call.part_previous->part_next : call.batch->parts) = call.part_next;
    if (call.part_next != nullptr) call.part_next->part_previous = call.part_previous;
}

}  // namespace

std::span<const std::byte> Batch::item(std::uint32_t index) const {
    return records(index, 1).subspan(wire::record_head_bytes);
}

Call& CallTable::add() {
    if (free_.empty()) {
        check(calls_.size() < (std::uint64_t{1} << index_bits), "the queues' bounds keep calls far below 2^32");
        const CallToken index = calls_.size();
        auto& call = calls_.emplace_back();
        call.token = (CallToken{1} << index_bits) | index;
        return call;
    }
    auto& call = calls_[free_.back()];
    free_.pop_back();
    return call;
}

Call* CallTable::find(CallToken token) {
    const auto index = static_cast<std::uint32_t>(token);
    if (index >= calls_.size()) return nullptr;
    auto& call = calls_[index];
    return call.token == token && call.state != CallState::free ? &call : nullptr;
}

void CallTable::remove(Call& call) {
    check(!call.in_wheel(), "an ended call has no deadline");
    if (call.batch) unlink_part(call);
    const auto token = next_generation(call.token);
    auto params = std::move(call.params);
    auto body = std::move(call.body);
    auto method = std::move(call.method);
    call = Call{};
    call.token = token;
    if (params.capacity() <= kept_bytes && body.capacity() <= kept_bytes) {
        (call.params = std::move(params)).clear();
        (call.body = std::move(body)).clear();
        (call.method = std::move(method)).clear();
    }
    free_.push_back(static_cast<std::uint32_t>(token));
}

// Only batches are split, so there is no body and no memfd to share.
Call& CallTable::clone(const Call& call) {
    check(call.batch != nullptr, "a call is one item");
    auto& made = add();
    made.number = call.number;
    made.state = call.state;
    made.ending = call.ending;
    made.attempt = call.attempt;
    made.handed_back = call.handed_back;
    made.encoding = call.encoding;
    made.priority = call.priority;
    made.retries = call.retries;
    made.keep = call.keep;
    made.pool = call.pool;
    made.hand = call.hand;
    made.receiver = call.receiver;
    made.caller = call.caller;
    made.receiver_id = call.receiver_id;
    made.deadline_ns = call.deadline_ns;
    made.timeout = call.timeout;
    made.method = call.method;
    made.params = call.params;
    made.first_item = call.first_item;
    made.items = call.items;
    made.batch = call.batch;
    link_part(made);
    return made;
}

Call& CallTable::split_front(Call& call, std::uint32_t items) {
    check(items > 0 && items < call.items, "a split leaves something on both sides");
    auto& front = clone(call);
    front.items = items;
    call.first_item += items;
    call.number += items;
    call.items -= items;
    return front;
}

Call& CallTable::split_back(Call& call, std::uint32_t items) {
    check(items > 0 && items < call.items, "a split leaves something on both sides");
    auto& back = clone(call);
    call.items -= items;
    back.first_item += call.items;
    back.number += call.items;
    back.items = items;
    return back;
}

std::vector<CallToken> CallTable::in_state(CallState state) const {
    std::vector<CallToken> tokens;
    for (const auto& call : calls_)
        if (call.state == state) tokens.push_back(call.token);
    return tokens;
}

}  // namespace caisson::dispatch
