// SPDX-License-Identifier: Apache-2.0
/// How many workers a pool has whose settings say from how many to how many. Pure: time and what waits are arguments.
///
/// It grows when calls have waited for longer than `grow_after` and no worker has room, by one worker, then, while that
/// does not help, by two, by four… It shrinks by the workers that were idle for longer than `idle`.
///
/// Waiting is measured without a clock for each call: calls are numbered as they come. If one that was there at some
/// moment still waits `grow_after` later, it has waited at least that long.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"

namespace caisson::fleet {

/// What waits in the queue of a pool because no worker has room.
struct Waiting {
    std::size_t calls = 0;
    std::uint64_t next = 0;    ///< the number of the call that is next
    std::uint64_t newest = 0;  ///< of the last call that came
};

class Growth {
   public:
    /// What waits now. When to ask `grow`; nothing if it need not be asked.
    [[nodiscard]] std::optional<TimePoint> note(const Waiting& waiting, TimePoint now, Duration grow_after);
    /// How many workers more there should be, at most `most`.
    [[nodiscard]] std::uint32_t grow(TimePoint now, Duration grow_after, std::uint32_t most);

   private:
    std::size_t waiting_ = 0;
    std::uint64_t mark_ = 0;  // the newest call when the watch over them began
    TimePoint since_{};       // that was then
    std::uint32_t step_ = 1;
};

struct Shrinking {
    std::vector<std::size_t> surplus;     ///< places of those that may go, in the order of the span
    std::optional<TimePoint> look_again;  ///< nothing if there is nothing to come
};

/// Who may go of workers that are idle since some time (nothing: busy), at most `most`: those that were idle longest.
[[nodiscard]] Shrinking shrink(std::span<const std::optional<TimePoint>> idle_since, std::size_t most, Duration idle,
                               TimePoint now);

}  // namespace caisson::fleet
