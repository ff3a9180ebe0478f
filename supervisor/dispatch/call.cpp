// SPDX-License-Identifier: Apache-2.0
#include "dispatch/call.hpp"

#include "base/result.hpp"

namespace caisson::dispatch {
namespace {

// A token is a generation above and an index below; a generation is never 0, so no token is.
constexpr int index_bits = 32;

/// Bytes of a record's buffers that are kept for the next call; larger ones are given back.
constexpr std::size_t kept_bytes = 4096;

}  // namespace

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
    const auto index = static_cast<std::uint32_t>(call.token);
    const auto token = call.token + (CallToken{1} << index_bits);
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
    free_.push_back(index);
}

void CallQueue::note_in(Call& call) {
    call.state = CallState::queued;
    ++size_;
    bytes_ += call.bytes();
}

void CallQueue::push_back(Call& call) {
    call.previous = last_;
    call.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &call;
    last_ = &call;
    note_in(call);
}

void CallQueue::push_front(Call& call) {
    call.next = first_;
    call.previous = nullptr;
    (first_ != nullptr ? first_->previous : last_) = &call;
    first_ = &call;
    note_in(call);
}

void CallQueue::remove(Call& call) {
    check(call.state == CallState::queued, "only a queued call leaves the queue");
    (call.previous != nullptr ? call.previous->next : first_) = call.next;
    (call.next != nullptr ? call.next->previous : last_) = call.previous;
    call.previous = call.next = nullptr;
    --size_;
    bytes_ -= call.bytes();
}

}  // namespace caisson::dispatch
