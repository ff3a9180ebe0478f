// SPDX-License-Identifier: Apache-2.0
#include "fleet/canary.hpp"

#include <algorithm>

namespace caisson::fleet {

void Canary::on_ready(TimePoint now) { ready_since_ = now; }

void Canary::on_good(std::uint32_t calls) {
    if (ready_since_) calls_ += calls;
}

bool Canary::on_bad(std::uint32_t calls) {
    if (ready_since_) bad_ += calls;
    return calls_ == 0 && bad_ >= std::max<std::uint64_t>(rules_.calls, 1);
}

Canary::Decision Canary::on_end(EndCause cause, TimePoint now, double chance) {
    ready_since_.reset();
    calls_ = 0;
    bad_ = 0;
    if (cause == EndCause::intended) return {};
    ++ends_;
    const auto counted = cause == EndCause::in_call ? EndCause::outside_call : cause;
    const auto decision = policy_.on_end(counted, now, chance);
    return {.roll_back = decision.quarantine, .delay = decision.delay};
}

bool Canary::proven(TimePoint now) const {
    if (!ready_since_) return false;
    if (rules_.calls > 0 && calls_ >= rules_.calls) return true;
    return now >= *due() && (calls_ > 0 || bad_ == 0);
}

std::optional<TimePoint> Canary::due() const {
    if (!ready_since_) return std::nullopt;
    return *ready_since_ + rules_.time;
}

}  // namespace caisson::fleet
