// SPDX-License-Identifier: Apache-2.0
/// Time as Caisson measures it: monotonic, so that a clock step neither kills a worker nor loses a deadline.
#pragma once

#include <chrono>
#include <cstdint>

namespace caisson {

using Clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC on Linux, the clock of deadlines on the wire
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

[[nodiscard]] inline std::int64_t to_ns(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}
[[nodiscard]] inline TimePoint from_ns(std::int64_t time_ns) {
    return TimePoint{std::chrono::duration_cast<Duration>(std::chrono::nanoseconds{time_ns})};
}
[[nodiscard]] inline double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace caisson
