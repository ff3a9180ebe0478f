// SPDX-License-Identifier: Apache-2.0
/// What a caller hands to the dispatcher, and what comes back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "wire/frame.hpp"
#include "wire/outcome.hpp"

namespace caisson::dispatch {

using wire::ItemRange;
using wire::OutcomeKind;

/// The name of an accepted call or batch until it ends; never 0, never used twice.
using Handle = std::uint64_t;

/// How a call, or items of a batch, ended. Views live for the callback only.
struct Outcome {
    OutcomeKind kind = OutcomeKind::ok;
    wire::Encoding encoding = wire::Encoding::bytes;
    std::span<const std::byte> body = {};  ///< the output, or its last piece; only when ok and not in `memory`
    bool records = false;                  ///< the body is records, the output of each item (wire/records.hpp)
    std::string_view json = {};            ///< the outcome document (docs/wire.md); empty when ok
    std::uint8_t attempts = 0;             ///< starts that were made
    const Fd* memory = nullptr;            ///< a sealed memfd with the output, borrowed
    std::uint64_t memory_bytes = 0;
};

/// Who waits for calls, and whose turn it is among others. Called on the loop's thread, also from inside `submit`. `id`
/// is the receiver's own number of a call or batch.
class Receiver {
   public:
    virtual void on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) = 0;
    virtual void on_progress(std::uint64_t id, double fraction, std::string_view note) = 0;
    /// The last event of these items; exactly one for each item that was submitted, unless it was abandoned. A call is
    /// item 0 of 1.
    virtual void on_outcome(std::uint64_t id, ItemRange items, const Outcome& outcome) = 0;
    /// A queue that was full (`Dispatcher::submit`) has room again.
    virtual void on_room() = 0;

   protected:
    ~Receiver() = default;
};

/// A call or batch as it is asked for. Views live for `submit` only; the bytes are copied. Each Receiver is one caller:
/// callers of one pool take turns.
struct Request {
    std::string_view pool = {};
    std::string_view method = {};
    std::string_view params = {};
    std::span<const std::byte> body = {};  ///< of a batch: records, which were checked (wire/records.hpp)
    wire::Encoding encoding = wire::Encoding::bytes;
    std::vector<std::byte>* owned = nullptr;  ///< what `body` points into, to be moved from once it is accepted
    bool lent = false;                        ///< `body` lives until the outcome: it is not copied
    std::uint32_t items = 0;                  ///< records in the body of a batch; 0: it is a call
    const Fd* memory = {};                    ///< instead of `body`: a sealed memfd, which is duplicated
    std::uint64_t memory_bytes = 0;
    std::optional<Duration> timeout = {};       ///< empty: the pool's; zero: none
    std::optional<std::uint32_t> retries = {};  ///< empty: the pool's; at most wire::max_retries
    int priority = 0;                           ///< wire::min_priority to wire::max_priority
    bool stream = false;                        ///< the output comes in pieces, on_chunk
    bool copied = false;                        ///< on_outcome copies the output
    bool keep = false;                          ///< `abandon` lets it go on

    [[nodiscard]] std::uint64_t bytes() const { return params.size() + body.size(); }
};

}  // namespace caisson::dispatch
