// SPDX-License-Identifier: Apache-2.0
#include "dispatch/measures.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/limits.hpp"

namespace caisson::dispatch {
namespace {

std::int64_t second_of(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

void Latencies::add(const Latencies& other) {
    waiting.add(other.waiting);
    running.add(other.running);
    total.add(other.total);
}

void Latencies::clear() {
    waiting.clear();
    running.clear();
    total.clear();
}

// All that has ended since the last note ended in the second of that note: whoever counts has told the time first.
void Rate::note(std::int64_t now_s, std::uint64_t total) {
    if (newest_s_ == 0) newest_s_ = first_s_ = now_s;
    const auto over = std::min<std::int64_t>(now_s - newest_s_, std::int64_t{marks});
    for (std::int64_t i = 0; i < over; ++i)
        totals_[static_cast<std::size_t>((now_s - 1 - i) % std::int64_t{marks})] = total;
    newest_s_ = std::max(newest_s_, now_s);
}

double Rate::over(std::int64_t over_s) const {
    over_s = std::min({over_s, seconds, newest_s_ - first_s_});
    if (over_s <= 0) return 0;
    const auto at = [&](std::int64_t second) {
        return second < first_s_ ? 0 : totals_[static_cast<std::size_t>(second % std::int64_t{marks})];
    };
    return static_cast<double>(at(newest_s_ - 1) - at(newest_s_ - 1 - over_s)) / static_cast<double>(over_s);
}

void Measures::turn(TimePoint now, const OutcomeCounts& ended) {
    const auto second = second_of(now);
    rate_.note(second, std::accumulate(ended.begin(), ended.end(), std::uint64_t{0}));
    turn_ = TimePoint{std::chrono::seconds{second + 1}};
    const auto number = second / slot_s;
    if (number == slot_number_) return;
    const auto steps = std::min<std::int64_t>(number - std::exchange(slot_number_, number), std::int64_t{slots});
    if (!minute_) return;
    for (std::int64_t i = 0; i < steps; ++i) {
        slot_ = (slot_ + 1) % slots;
        if (!before_) before_ = std::make_unique<Latencies>();
        before_->add((*minute_)[slot_]);
        (*minute_)[slot_].clear();
    }
}

MethodMeasures& Measures::method(std::string_view name) {
    auto found = methods_.find(name);
    if (found == methods_.end() && methods_.size() >= limits::measured_methods) found = methods_.find(name = "");
    if (found == methods_.end()) found = methods_.emplace(name, std::make_unique<MethodMeasures>()).first;
    return *found->second;
}

Latencies Measures::last_minute() const {
    Latencies all;
    if (minute_)
        for (const auto& slot : *minute_) all.add(slot);
    return all;
}

Latencies Measures::since_start() const {
    auto all = last_minute();
    if (before_) all.add(*before_);
    return all;
}

}  // namespace caisson::dispatch
