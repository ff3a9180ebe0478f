// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call_queue.hpp"

#include <bit>

#include "base/result.hpp"

namespace caisson::dispatch {

Lane& CallQueue::lane_of(const Call& call) {
    const Key key{call.caller, static_cast<std::size_t>(call.priority - wire::min_priority)};
    const auto [found, fresh] = lanes_.try_emplace(key);
    auto& lane = found->second;
    if (fresh) {
        lane.caller = key.caller;
        lane.band = key.band;
        lane.held = held_.contains(key.caller);
        if (!lane.held) enter_ring(lane);
    }
    return lane;
}

// Behind all others: before the one whose turn it is.
void CallQueue::enter_ring(Lane& lane) {
    auto& ring = rings_[lane.band];
    if (ring == nullptr) {
        lane.previous = lane.next = &lane;
        ring = &lane;
        filled_ |= std::uint32_t{1} << lane.band;
    } else {
        lane.next = ring;
        lane.previous = ring->previous;
        lane.previous->next = &lane;
        ring->previous = &lane;
    }
    ++lanes_in_ring_[lane.band];
}

void CallQueue::leave_ring(Lane& lane) {
    auto& ring = rings_[lane.band];
    if (lane.next == &lane) {
        ring = nullptr;
        filled_ &= ~(std::uint32_t{1} << lane.band);
    } else {
        if (ring == &lane) ring = lane.next;
        lane.previous->next = lane.next;
        lane.next->previous = lane.previous;
    }
    lane.previous = lane.next = nullptr;
    --lanes_in_ring_[lane.band];
}

void CallQueue::note_in(Call& call, Lane& lane) {
    call.be_queued(&lane);
    items_ += call.items;
    bytes_ += call.bytes();
}

void CallQueue::push_back(Call& call) {
    auto& lane = lane_of(call);
    call.previous = lane.last;
    call.next = nullptr;
    (lane.last != nullptr ? lane.last->next : lane.first) = &call;
    lane.last = &call;
    note_in(call, lane);
}

void CallQueue::push_front(Call& call) {
    auto& lane = lane_of(call);
    call.next = lane.first;
    call.previous = nullptr;
    (lane.first != nullptr ? lane.first->previous : lane.last) = &call;
    lane.first = &call;
    note_in(call, lane);
}

void CallQueue::remove(Call& call) {
    check(call.lane() != nullptr, "only a queued call leaves the queue");
    auto& lane = *call.lane();
    call.be_queued(nullptr);
    (call.previous != nullptr ? call.previous->next : lane.first) = call.next;
    (call.next != nullptr ? call.next->previous : lane.last) = call.previous;
    call.previous = call.next = nullptr;
    items_ -= call.items;
    bytes_ -= call.bytes();
    if (lane.first != nullptr) return;
    if (!lane.held) leave_ring(lane);
    lanes_.erase(Key{lane.caller, lane.band});
}

const Lane* CallQueue::turn() const {
    if (filled_ == 0) return nullptr;
    return rings_[static_cast<std::size_t>(std::bit_width(filled_) - 1)];
}

Call* CallQueue::next() const {
    const auto* const lane = turn();
    return lane != nullptr ? lane->first : nullptr;
}

std::size_t CallQueue::callers_in_turn() const {
    const auto* const lane = turn();
    return lane != nullptr ? lanes_in_ring_[lane->band] : 0;
}

void CallQueue::end_turn() {
    if (const auto* const lane = turn()) rings_[lane->band] = lane->next;
}

Call* CallQueue::any() const { return lanes_.empty() ? nullptr : lanes_.begin()->second.first; }

void CallQueue::hold(const Receiver* caller, bool held) {
    if (held ? !held_.insert(caller).second : held_.erase(caller) == 0) return;
    for (std::size_t band = 0; band < bands; ++band) {
        const auto found = lanes_.find(Key{caller, band});
        if (found == lanes_.end()) continue;
        found->second.held = held;
        if (held)
            leave_ring(found->second);
        else
            enter_ring(found->second);
    }
}

}  // namespace caisson::dispatch
