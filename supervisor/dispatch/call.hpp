// SPDX-License-Identifier: Apache-2.0
/// One call from its acceptance to its outcome, and who waits for it.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "dispatch/deadline_wheel.hpp"
#include "fleet/worker.hpp"
#include "wire/outcome.hpp"

namespace caisson::dispatch {

using fleet::CallToken;
using wire::OutcomeKind;

/// How a call ended. Views live for the callback only.
struct Outcome {
    OutcomeKind kind = OutcomeKind::ok;
    wire::Encoding encoding = wire::Encoding::bytes;
    std::span<const std::byte> body = {};  ///< the last piece of output; only when ok
    std::string_view json = {};            ///< the outcome document (docs/wire.md); empty when ok
};

/// Who waits for calls. Called on the loop's thread, also from inside `submit`. `id` is the receiver's own number.
class Receiver {
   public:
    virtual void on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) = 0;
    virtual void on_progress(std::uint64_t id, double fraction, std::string_view note) = 0;
    /// The last event of a call; exactly one per submitted call, unless it was abandoned.
    virtual void on_outcome(std::uint64_t id, const Outcome& outcome) = 0;

   protected:
    ~Receiver() = default;
};

struct Pool;

/// Where a call is.
enum class CallState : std::uint8_t {
    free,       ///< the record is not in use
    queued,     ///< waits in its pool's queue
    held,       ///< a worker has it: it waits there, or runs
    reporting,  ///< its worker died; its crash report is being made
};

/// Why a running call is being ended before its answer.
enum class Ending : std::uint8_t { none, deadline, cancelled, stopping };

struct Call : DeadlineEntry {
    CallToken token = 0;
    std::uint64_t number = 0;  // for people: calls are counted from 1
    CallState state = CallState::free;
    Ending ending = Ending::none;
    std::uint16_t attempt = 0;     // starts so far
    std::uint8_t handed_back = 0;  // times that a worker died with this call next in line
    wire::Encoding encoding = wire::Encoding::bytes;
    Pool* pool = nullptr;
    fleet::Worker* worker = nullptr;  // while held
    Receiver* receiver = nullptr;     // nobody after an abandon
    std::uint64_t receiver_id = 0;
    std::int64_t deadline_ns = 0;
    Call* previous = nullptr;  // in the queue
    Call* next = nullptr;
    std::string method;
    std::string params;
    std::vector<std::byte> body;

    [[nodiscard]] std::size_t bytes() const { return params.size() + body.size(); }
};

/// The records of all calls that have no outcome yet. A record is used again under another token, so a late word about
/// an ended call finds nothing.
class CallTable {
   public:
    [[nodiscard]] Call& add();
    [[nodiscard]] Call* find(CallToken token);
    void remove(Call& call);
    [[nodiscard]] std::size_t size() const { return calls_.size() - free_.size(); }

   private:
    std::deque<Call> calls_;  // addresses stay
    std::vector<std::uint32_t> free_;
};

/// Calls of one pool that wait for a worker: a list through the calls themselves, so that any one can leave at no cost.
class CallQueue {
   public:
    void push_back(Call& call);
    void push_front(Call& call);
    void remove(Call& call);
    [[nodiscard]] Call* front() const { return first_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::size_t bytes() const { return bytes_; }

   private:
    void note_in(Call& call);

    Call* first_ = nullptr;
    Call* last_ = nullptr;
    std::size_t size_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace caisson::dispatch
