// SPDX-License-Identifier: Apache-2.0
/// One call from its acceptance to its outcome; or a run of items of one batch, which stays one record for as long as
/// they share their fate.
///
/// A batch begins as one record with all its items. Whenever some of them go another way than the others (given to a
/// worker, taken back, crashed, tried again) the record is split, so that everything that is true of a call is true of
/// each record.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "dispatch/deadline_wheel.hpp"
#include "dispatch/method_names.hpp"
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

/// A body that stands in the record itself.
class TinyBody {
   public:
    static constexpr std::size_t max_bytes = 15;  // a number, a short word

    TinyBody() = default;
    explicit TinyBody(std::span<const std::byte> body) : size_(static_cast<std::uint8_t>(body.size())) {
        std::ranges::copy(body, bytes_.begin());
    }
    [[nodiscard]] std::span<const std::byte> bytes() const { return std::span{bytes_}.first(size_); }

   private:
    std::uint8_t size_ = 0;
    std::array<std::byte, max_bytes> bytes_;
};

/// What a call has beyond a tiny body.
struct Extra {
    std::string params = {};
    std::vector<std::byte> body = {};
    std::span<const std::byte> lent = {};  // instead of a body: its caller's
    Fd memory = {};                        // the same: sealed
    std::uint64_t memory_bytes = 0;
    std::shared_ptr<Batch> batch = {};  // the same: items of a batch
    Call* part_previous = nullptr;
    Call* part_next = nullptr;
    // Items that had their answers while others of the record had not: measured with the last of them.
    std::uint32_t answered = 0;
    std::int64_t run_ns = 0;
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
    std::int8_t retries = -1;  // that its caller asked for; -1: as the pool says
    bool stream : 1 = false;
    bool copied : 1 = false;
    bool streamed : 1 = false;  // pieces of its output have left
    bool muted : 1 = false;     // its worker is not listened to, for its caller is behind
    bool keep : 1 = false;
    bool abandoned : 1 = false;  // nobody hears of it
    Pool* pool = nullptr;
    Receiver* caller = nullptr;  // whose turn it is in the queue; only compared once it was abandoned
    std::uint64_t receiver_id = 0;
    std::int64_t deadline_ns = 0;
    std::int64_t accepted_ns = 0;  // or when it may be tried again, after it had timed out: its time counts from here
    Call* previous = nullptr;      // in the queue
    Call* next = nullptr;
    MethodName name;
    std::uint32_t first_item = 0;
    std::uint32_t items = 1;

    [[nodiscard]] const std::string& method() const { return name.text(); }
    /// How long it may take from `accepted_ns` on; zero: for ever.
    [[nodiscard]] Duration timeout() const { return Duration{deadline_ns == 0 ? 0 : deadline_ns - accepted_ns}; }
    [[nodiscard]] Receiver* receiver() const { return abandoned ? nullptr : caller; }
    /// The worker that has it.
    [[nodiscard]] fleet::Hand* hand() const { return state == CallState::held ? place_.hand : nullptr; }
    void be_held(fleet::Hand* hand) {
        state = CallState::held;
        place_.hand = hand;
    }
    /// Where it stands in the queue; none while it is being moved.
    [[nodiscard]] Lane* lane() const { return state == CallState::queued ? place_.lane : nullptr; }
    void be_queued(Lane* lane) {
        state = CallState::queued;
        place_.lane = lane;
    }

    void set_tiny(std::span<const std::byte> body) { input_ = TinyBody{body}; }
    /// What it has beyond a tiny body; null, mostly.
    [[nodiscard]] Extra* extra() const {
        const auto* const extra = std::get_if<std::unique_ptr<Extra>>(&input_);
        return extra != nullptr ? extra->get() : nullptr;
    }
    /// Instead of a tiny body.
    Extra& make_extra() { return *input_.emplace<std::unique_ptr<Extra>>(std::make_unique<Extra>()); }
    /// None: it is a call.
    [[nodiscard]] Batch* batch() const { return extra() != nullptr ? extra()->batch.get() : nullptr; }
    [[nodiscard]] std::string_view params() const {
        return extra() != nullptr ? std::string_view{extra()->params} : std::string_view{};
    }
    /// Its body, sealed; null if it has none such.
    [[nodiscard]] const Fd* memory() const {
        return extra() != nullptr && extra()->memory ? &extra()->memory : nullptr;
    }
    [[nodiscard]] std::uint64_t memory_bytes() const { return extra() != nullptr ? extra()->memory_bytes : 0; }

    /// What it costs the supervisor.
    [[nodiscard]] std::size_t bytes() const { return params().size() + input().size(); }
    /// The input as a worker gets it.
    [[nodiscard]] std::span<const std::byte> input() const {
        if (const auto* const tiny = std::get_if<TinyBody>(&input_)) return tiny->bytes();
        const auto& more = *extra();
        if (more.batch) return more.batch->records(first_item, items);
        return more.lent.empty() ? std::span<const std::byte>{more.body} : more.lent;
    }

   private:
    friend class CallTable;
    // `state` says which.
    union Place {
        Lane* lane;
        fleet::Hand* hand;
    } place_{nullptr};
    std::variant<TinyBody, std::unique_ptr<Extra>> input_;
};

static_assert(sizeof(Call) <= 152,
              "a waiting tiny call costs at most 200 bytes: its record, and its place in the table of its session");

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

    [[nodiscard]] std::size_t size() const { return made_ - free_calls_; }
    /// The tokens of all records in a state.
    [[nodiscard]] std::vector<CallToken> in_state(CallState state) const;

   private:
    static constexpr std::size_t slab_calls = 1024;
    using Slab = std::array<Call, slab_calls>;

    [[nodiscard]] Call& at(std::size_t index) const { return (*slabs_[index / slab_calls])[index % slab_calls]; }
    [[nodiscard]] Call& clone(const Call& call);

    std::vector<std::unique_ptr<Slab>> slabs_;  // addresses stay
    std::size_t made_ = 0;                      // records that were ever in use
    Call* free_ = nullptr;                      // those that can be used again, a list through `next`
    std::size_t free_calls_ = 0;
};

}  // namespace caisson::dispatch
