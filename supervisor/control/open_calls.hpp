// SPDX-License-Identifier: Apache-2.0
/// The calls and batches of one session that have not ended, by the numbers that its client chose for them.
///
/// A hash table with chains, in as little memory as will do, for a million calls may wait. Numbers are hostile: where
/// one stands follows from a secret of the session too, so that no client can choose many for one chain (multiply and
/// shift, Dietzfelbinger et al., "A Reliable Randomized Algorithm for the Closest-Pair Problem", 1997).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/system.hpp"
#include "dispatch/request.hpp"
#include "wire/frame.hpp"

namespace caisson::control {

struct OpenCall {
    std::uint64_t id = 0;
    dispatch::Handle handle = 0;
    std::uint32_t next = 0;   // of its chain, or free; one more than its place, 0: none
    std::uint16_t items = 0;  // without an outcome; 0: the place is free
    bool batch = false;
    bool stream = false;
};
static_assert(wire::max_batch_items <= std::numeric_limits<decltype(OpenCall::items)>::max());
static_assert(sizeof(OpenCall) == 24, "a part of the 200 bytes that a waiting tiny call may cost");

class OpenCalls {
   public:
    OpenCalls() {
        sys::random_bytes(&secret_, sizeof secret_);
        secret_ |= 1;
    }

    /// A call with a number that no other has. Stays where it is until it is removed.
    OpenCall& add(std::uint64_t id, std::uint32_t items) {
        check(items > 0 && items <= wire::max_batch_items, "an open call has items, no more than a batch may");
        if (size_ == heads_.size()) grow();
        if (free_ == 0) {
            places_.emplace_back();
            free_ = static_cast<std::uint32_t>(places_.size());
        }
        auto& call = places_[free_ - 1];
        auto& head = head_of(id);
        const auto place = std::exchange(free_, call.next);
        call = {.id = id, .next = std::exchange(head, place), .items = static_cast<std::uint16_t>(items)};
        ++size_;
        return call;
    }

    [[nodiscard]] OpenCall* find(std::uint64_t id) {
        if (size_ == 0) return nullptr;
        for (auto place = head_of(id); place != 0; place = places_[place - 1].next)
            if (places_[place - 1].id == id) return &places_[place - 1];
        return nullptr;
    }

    /// Some of its items have their outcome. A call whose last it was is removed.
    void end(OpenCall& call, std::uint32_t items) {
        check(items <= call.items, "an item has one outcome");
        call.items = static_cast<std::uint16_t>(call.items - items);
        if (call.items == 0) remove(call);
    }

    void remove(OpenCall& call) {
        auto* link = &head_of(call.id);
        while (&places_[*link - 1] != &call) link = &places_[*link - 1].next;
        const auto place = std::exchange(*link, call.next);
        call = {.next = std::exchange(free_, place)};
        if (--size_ == 0 && places_.size() > kept_places) *this = {};
    }

    template <class Visit>
    void for_each(Visit&& visit) const {
        for (const auto& call : places_)
            if (call.items > 0) visit(call);
    }
    [[nodiscard]] bool empty() const { return size_ == 0; }

   private:
    static constexpr std::size_t first_heads = 16;
    static constexpr std::size_t kept_places = 4096;  // of a session without calls; more is memory of a burst

    [[nodiscard]] std::uint32_t& head_of(std::uint64_t id) {
        return heads_[id * secret_ >> (64 - std::countr_zero(heads_.size()))];
    }

    void grow() {
        heads_.assign(heads_.empty() ? first_heads : 2 * heads_.size(), 0);
        for (std::uint32_t place = 1; place <= places_.size(); ++place) {
            auto& call = places_[place - 1];
            if (call.items > 0) call.next = std::exchange(head_of(call.id), place);
        }
    }

    std::uint64_t secret_ = 0;
    std::vector<std::uint32_t> heads_;  // of chains; as many as a power of two
    std::deque<OpenCall> places_;
    std::uint32_t free_ = 0;  // the first of those that were used before
    std::size_t size_ = 0;
};

}  // namespace caisson::control
