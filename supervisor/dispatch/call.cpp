// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call.hpp"

#include <utility>

#include "base/result.hpp"
#include "wire/records.hpp"

namespace caisson::dispatch {
namespace {

// A token is a generation above and an index below. A generation is never 0, so no token is, and its top bit is the
// mark of a batch's handle (Scheduler).
constexpr int index_bits = 32;
constexpr std::uint64_t generation_mask = 0x7FFF'FFFF;

CallToken next_generation(CallToken token) {
    const auto generation = ((token >> index_bits) + 1) & generation_mask;
    return (generation == 0 ? 1 : generation) << index_bits | static_cast<std::uint32_t>(token);
}

void link_part(Call& call) {
    auto& extra = *call.extra();
    Batch& batch = *extra.batch;
    extra.part_previous = nullptr;
    extra.part_next = batch.parts;
    if (batch.parts != nullptr) batch.parts->extra()->part_previous = &call;
    batch.parts = &call;
}

void unlink_part(const Extra& extra) {
    (extra.part_previous != nullptr ? extra.part_previous->extra()->part_next : extra.batch->parts) = extra.part_next;
    if (extra.part_next != nullptr) extra.part_next->extra()->part_previous = extra.part_previous;
}

}  // namespace

std::span<const std::byte> Batch::item(std::uint32_t index) const {
    return records(index, 1).subspan(wire::record_head_bytes);
}

Call& CallTable::add() {
    if (free_ != nullptr) {
        auto& call = *free_;
        free_ = std::exchange(call.next, nullptr);
        --free_calls_;
        return call;
    }
    check(made_ < (std::uint64_t{1} << index_bits), "the queues' bounds keep calls far below 2^32");
    if (made_ % slab_calls == 0) slabs_.push_back(std::make_unique<Slab>());
    auto& call = at(made_);
    call.token = (CallToken{1} << index_bits) | made_++;
    return call;
}

Call* CallTable::find(CallToken token) {
    const auto index = static_cast<std::uint32_t>(token);
    if (index >= made_) return nullptr;
    auto& call = at(index);
    return call.token == token && call.state != CallState::free ? &call : nullptr;
}

void CallTable::remove(Call& call) {
    check(!call.in_wheel(), "an ended call has no deadline");
    if (call.batch() != nullptr) unlink_part(*call.extra());
    const auto token = next_generation(call.token);
    call = Call{};
    call.token = token;
    call.next = std::exchange(free_, &call);
    ++free_calls_;
}

// Only batches are split, so there is no body and no memfd to share.
Call& CallTable::clone(const Call& call) {
    check(call.batch() != nullptr, "a call is one item");
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
    made.abandoned = call.abandoned;
    made.pool = call.pool;
    made.place_ = call.place_;
    made.caller = call.caller;
    made.receiver_id = call.receiver_id;
    made.deadline_ns = call.deadline_ns;
    made.accepted_ns = call.accepted_ns;
    made.name = call.name;
    made.first_item = call.first_item;
    made.items = call.items;
    auto& extra = made.make_extra();
    extra.params = call.extra()->params;
    extra.batch = call.extra()->batch;
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
    for (std::size_t index = 0; index < made_; ++index)
        if (const auto& call = at(index); call.state == state) tokens.push_back(call.token);
    return tokens;
}

}  // namespace caisson::dispatch
