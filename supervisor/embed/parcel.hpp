// SPDX-License-Identifier: Apache-2.0
/// What travels through a door as one: a call, or a batch of items of one job.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "client/client.hpp"
#include "wire/codec.hpp"

namespace caisson::embed {

class Job;

/// Where the outcome of one item is.
struct Slot {
    enum class State : std::uint8_t { open, here, result, dropped };
    State state = State::open;
    BodyEncoding encoding = BodyEncoding::bytes;
    std::uint32_t at = 0;  ///< here: where its bytes begin in the outputs; result: its place among the results
    std::uint32_t size = 0;
};

struct Parcel {
    // Said by the job; does not change once it is handed over.
    std::shared_ptr<Job> job;
    std::size_t first = 0;  ///< its first item, among those of the job
    std::uint32_t items = 1;
    bool batch = false;  ///< the body is records (wire/records.hpp)
    BodyEncoding encoding = BodyEncoding::bytes;
    wire::Buffer body;
    std::span<const std::byte> lent = {};  ///< instead of the body: its caller's, who waits for the end
    Fd memory;                             ///< instead of the body: a sealed memfd
    std::uint64_t memory_bytes = 0;
    std::size_t weight = 0;  ///< bytes of the body, also when that is gone

    [[nodiscard]] std::span<const std::byte> input() const { return lent.empty() ? std::span{body} : lent; }

    // The job's, under its lock.
    bool handed_over = false;
    /// Outputs of a map, as long as all that came are packed and of one size: `value_bytes` each, at their places.
    wire::Buffer values;
    std::size_t value_bytes = 0;
    std::vector<wire::ItemRange> value_runs;  ///< which have come
    /// Outputs of all other kinds; no slots while there are values only.
    std::vector<Slot> slots;
    wire::Buffer outputs;                              ///< of items that are `here`
    std::vector<std::unique_ptr<CallResult>> results;  ///< their addresses stay
    std::uint32_t ended = 0;
    std::uint32_t dropped = 0;

    // The door's, on its thread.
    std::uint64_t id = 0;
    std::optional<std::uint64_t> handle;  ///< what the engine or the session calls it, once it is begun
    std::uint32_t open = 1;               ///< items without an outcome
    bool held = false;                    ///< a stream whose caller is behind
    std::string collected;                ///< output that came before the outcome

    // The door's, under its lock.
    bool accepted = false;
};

}  // namespace caisson::embed
