// SPDX-License-Identifier: Apache-2.0
/// Calls of one pool that wait for a worker. More urgent ones go first; among equally urgent ones callers take turns,
/// and the calls of one caller keep their order.
///
///     priority 10   lane of a -> lane of c            each lane is a list through its calls, so that any one can
///     priority  0   lane of b -> lane of a -> …       leave at no cost; the lanes of a priority stand in a ring
///
/// A caller that is held keeps its place in the queue and gets no turn. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>

#include "dispatch/call.hpp"

namespace caisson::dispatch {

/// The waiting calls of one caller with one priority.
struct Lane {
    const Receiver* caller = nullptr;
    std::size_t band = 0;
    bool held = false;
    Call* first = nullptr;
    Call* last = nullptr;
    Lane* previous = nullptr;  // in the ring; none while held
    Lane* next = nullptr;
};

class CallQueue {
   public:
    void push_back(Call& call);
    void push_front(Call& call);
    void remove(Call& call);

    /// The call whose turn it is; none if all that wait are held.
    [[nodiscard]] Call* next() const;
    /// The lane whose turn it is; only to be compared.
    [[nodiscard]] const Lane* turn() const;
    /// Callers that share this turn's priority, the one whose turn it is among them.
    [[nodiscard]] std::size_t callers_in_turn() const;
    /// The turn goes to the next caller of this priority.
    void end_turn();
    /// Any call, held or not.
    [[nodiscard]] Call* any() const;

    void hold(const Receiver* caller, bool held);

    [[nodiscard]] bool empty() const { return items_ == 0; }
    /// Calls and items.
    [[nodiscard]] std::size_t size() const { return items_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

   private:
    static constexpr std::size_t bands = wire::max_priority - wire::min_priority + 1;
    struct Key {
        const Receiver* caller;
        std::size_t band;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const { return std::hash<const void*>{}(key.caller) * 31 + key.band; }
    };

    [[nodiscard]] Lane& lane_of(const Call& call);
    void enter_ring(Lane& lane);
    void leave_ring(Lane& lane);
    void note_in(Call& call, Lane& lane);

    std::array<Lane*, bands> rings_{};  // whose turn it is, by urgency, the most urgent last
    std::array<std::size_t, bands> lanes_in_ring_{};
    std::uint32_t filled_ = 0;  // bit n: ring n has a lane
    std::unordered_map<Key, Lane, KeyHash> lanes_;
    std::unordered_set<const Receiver*> held_;
    std::size_t items_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace caisson::dispatch
