// SPDX-License-Identifier: Apache-2.0
#include "cli/look_ahead.hpp"

#include <algorithm>

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

// The pace is measured over this long.
constexpr Duration measured = 100ms;
// The work that may be ahead: long enough to even out a method that is now fast and now slow.
constexpr Duration longest_horizon = 1s;
// Of the time that a call has, it may wait for one part in so many.
constexpr int parts_of_timeout = 4;
constexpr std::size_t fewest_calls = 4;

}  // namespace

LookAhead::LookAhead(std::size_t workers, std::optional<std::chrono::milliseconds> timeout, TimePoint now)
    : start_(std::clamp(2 * workers, fewest_calls, max_calls)), limit_(start_), horizon_(longest_horizon), since_(now) {
    // 0 is no limit; more than an hour is none for this purpose, and would overflow nanoseconds at some point.
    if (timeout && *timeout > 0ms && *timeout < 1h)
        horizon_ = std::min<Duration>(horizon_, *timeout / parts_of_timeout);
}

void LookAhead::ended(std::size_t calls, TimePoint now) {
    limit_ = std::min(limit_ + calls, max_calls);
    counted_ += calls;
    const auto elapsed = now - since_;
    if (elapsed < measured) return;
    const double pace = static_cast<double>(counted_) / seconds(elapsed);
    const double soon = std::min(pace * seconds(horizon_), static_cast<double>(max_calls));
    limit_ = std::clamp(static_cast<std::size_t>(soon), start_, limit_);
    since_ = now;
    counted_ = 0;
}

}  // namespace caisson::cli
