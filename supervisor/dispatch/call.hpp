// SPDX-License-Identifier: Apache-2.0
/// One call from its acceptance to its outcome; or a run of items of one batch, which stays one record for as long as
/// they share their fate.
///
/// A batch begins as one record with all its items. Whenever some of them go another way than the others (given to a
/// worker, taken back, crashed, tried again) the record is split, so that everything that is true of a call is true of
/// each record.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "dispatch/deadline_wheel.hpp"
#include "dispatch/request.hpp"
#include "fleet/hands.hpp"

namespace caisson::dispatch {

using fleet::CallToken;

struct Pool;
struct Lane;
struct Call;

/// Where a call is.
enum class CallState : std::uint8_t {
    free,       ///< the record is not in use
    queued,     ///< waits in its pool's queue
    held,       ///< a worker has it: it waits there, or runs
    resting,    ///< waits for the time of its next attempt
    reporting,  ///< its worker died; its crash report is being made
};

/// Why a running call is being ended before its answer.
enum class Ending : std::uint8_t { none, deadline, cancelled, stopping };

/// What the records of one batch share.
struct Batch {
    Handle handle = 0;
    std::vector<std::byte> bytes;        // records (wire/records.hpp)
    std::vector<std::uint32_t> offsets;  // of each, and the end
    Call* parts = nullptr;               // the records, a list through part_next

    [[nodiscard]] std::span<const std::byte> records(std::uint32_t first, std::uint32_t items) const {
        return std::span{bytes}.subspan(offsets[first], offsets[first + items] - offsets[first]);
    }
    /// The body of one item, without its size.
    [[nodiscard]] std::span<const std::byte> item(std::uint32_t index) const;
};

struct Call : DeadlineEntry {
    CallToken token = 0;
    std::uint64_t number = 0;  // for people: calls are counted from 1
    CallState state = CallState::free;
    Ending ending = Ending::none;
    std::uint8_t attempt = 0;      // starts so far
    std::uint8_t handed_back = 0;  // times that a worker died with this call next in line
    wire::Encoding encoding = wire::Encoding::bytes;
    std::int8_t priority = 0;
    std::int16_t retries = -1;  // that its caller asked for; -1: as the pool says
    bool stream = false;
    bool copied = false;
    bool streamed = false;  // pieces of its output have left
    bool muted = false;     // its worker is not listened to, for its caller is behind
    bool keep = false;
    Pool* pool = nullptr;
    fleet::Hand* hand = nullptr;       // while held
    Receiver* receiver = nullptr;      // nobody after an abandon
    const Receiver* caller = nullptr;  // whose turn it is in the queue; only compared, for it may be gone
    std::uint64_t receiver_id = 0;
    std::int64_t deadline_ns = 0;
    Duration timeout{};
    Call* previous = nullptr;  // in the queue
    Call* next = nullptr;
    Lane* lane = nullptr;  // while queued
    std::string method;
    std::string params;
    std::vector<std::byte> body;
    std::span<const std::byte> lent;  // instead of a body: its caller's
    Fd memory;                        // the same: sealed
    std::uint64_t memory_bytes = 0;

    std::uint32_t first_item = 0;
    std::uint32_t items = 1;
    std::shared_ptr<Batch> batch;  // none: it is a call
    Call* part_previous = nullptr;
    Call* part_next = nullptr;

    /// What it costs the supervisor.
    [[nodiscard]] std::size_t bytes() const { return params.size() + input().size(); }
    /// The input as a worker gets it.
    [[nodiscard]] std::span<const std::byte> input() const {
        if (batch) return batch->records(first_item, items);
        return lent.empty() ? std::span<const std::byte>{body} : lent;
    }
};

/// The records of all calls that have no outcome yet. A record is used again under another token, so a late word about
/// an ended call finds nothing.
class CallTable {
   public:
    [[nodiscard]] Call& add();
    [[nodiscard]] Call* find(CallToken token);
    void remove(Call& call);
    /// A record for the first `items` of those that `call` has, or for the last; `call` keeps the others. The new one
    /// is in no queue and has no deadline.
    [[nodiscard]] Call& split_front(Call& call, std::uint32_t items);
    [[nodiscard]] Call& split_back(Call& call, std::uint32_t items);

    [[nodiscard]] std::size_t size() const { return calls_.size() - free_.size(); }
    /// The tokens of all records in a state.
    [[nodiscard]] std::vector<CallToken> in_state(CallState state) const;

   private:
    [[nodiscard]] Call& clone(const Call& call);

    std::deque<Call> calls_;  // addresses stay
    std::vector<std::uint32_t> free_;
};

}  // namespace caisson::dispatch
