// SPDX-License-Identifier: Apache-2.0
#include "fleet/elastic.hpp"

#include <algorithm>

namespace caisson::fleet {

std::optional<TimePoint> Growth::note(const Waiting& waiting, TimePoint now, Duration grow_after) {
    const bool watched = waiting_ > 0 && waiting.calls > 0 && waiting.next <= mark_;
    waiting_ = waiting.calls;
    if (waiting_ == 0) {
        step_ = 1;
        return std::nullopt;
    }
    if (!watched) {  // those that waited then have been given to workers
        mark_ = waiting.newest;
        since_ = now;
    }
    return since_ + grow_after;
}

std::uint32_t Growth::grow(TimePoint now, Duration grow_after, std::uint32_t most) {
    if (waiting_ == 0 || now < since_ + grow_after || most == 0) return 0;
    const auto more = static_cast<std::uint32_t>(std::min<std::size_t>({step_, most, waiting_}));
    since_ = now;  // what is started now is given as long to help
    step_ = std::min<std::uint32_t>(step_ * 2, UINT32_MAX / 2);
    return more;
}

Shrinking shrink(std::span<const std::optional<TimePoint>> idle_since, std::size_t most, Duration idle, TimePoint now) {
    Shrinking result;
    if (most == 0) return result;
    std::vector<std::size_t> order;
    for (std::size_t place = 0; place < idle_since.size(); ++place)
        if (idle_since[place]) order.push_back(place);
    std::ranges::stable_sort(order, {}, [&](std::size_t place) { return *idle_since[place]; });
    for (const auto place : order) {
        const auto due = *idle_since[place] + idle;
        if (result.surplus.size() == most) return result;
        if (due > now) {
            result.look_again = due;
            return result;
        }
        result.surplus.push_back(place);
    }
    if (result.surplus.size() < most) result.look_again = now + idle;  // the others are busy
    return result;
}

}  // namespace caisson::fleet
