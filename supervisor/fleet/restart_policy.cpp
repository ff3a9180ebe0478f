// SPDX-License-Identifier: Apache-2.0
#include "fleet/restart_policy.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace caisson::fleet {

std::string_view word(EndCause cause) {
    switch (cause) {
        case EndCause::failed_start:
            return "start";
        case EndCause::outside_call:
            return "idle";
        case EndCause::in_call:
            return "call";
        case EndCause::intended:
            return "stop";
    }
    return "stop";
}

bool RestartWindow::add(TimePoint now, std::uint32_t intensity, Duration period) {
    while (!stamps_.empty() && stamps_.front() < now - period) stamps_.pop_front();
    stamps_.push_back(now);
    if (stamps_.size() > std::size_t{intensity} + 1) stamps_.pop_front();  // older ones can change nothing
    return stamps_.size() > intensity;
}

Duration backoff_delay(const settings::Backoff& backoff, std::uint32_t n, double chance) {
    const auto min = static_cast<double>(backoff.min.count());
    const auto max = static_cast<double>(backoff.max.count());
    if (max <= 0) return Duration::zero();
    double delay_ms = max;
    // A minimum of zero has no ratio to grow by: the first restart is at once, the next ones grow from 1 ms.
    if (n < backoff.steps)
        delay_ms =
            min <= 0 && n == 0 ? 0 : std::max(min, 1.0) * std::pow(max / std::max(min, 1.0), double(n) / backoff.steps);
    delay_ms *= 1.0 - backoff.jitter * chance;
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::milli>(delay_ms));
}

RestartPolicy::Decision RestartPolicy::on_end(EndCause cause, TimePoint now, double chance) {
    if (cause == EndCause::intended) return {};
    const bool had_served = std::exchange(served_, false);
    if (had_served && now - good_since_ >= rules_.reset_after) tries_ = 0;
    good_since_ = now;
    if (cause == EndCause::in_call) {
        // One bad input must not close a pool to good ones: too many only slow the restarts down.
        const bool storm = call_crashes_.add(now, rules_.call_crashes, rules_.period);
        return {.delay = storm ? backoff_delay(rules_.backoff, tries_++, chance) : Duration::zero()};
    }
    const bool too_many = window_.add(now, rules_.intensity, rules_.period);
    if (too_many || breaker_ != BreakerState::closed) {
        breaker_ = BreakerState::open;
        opened_ = now;
        return {.quarantine = true};
    }
    // A pool that has worked has nothing to wait for, once.
    const auto tries = tries_++;
    return {.delay = had_served && tries == 0 ? Duration::zero() : backoff_delay(rules_.backoff, tries, chance)};
}

void RestartPolicy::on_ready(TimePoint now) {
    if (breaker_ == BreakerState::half_open) {
        // The stamps stay: a pool that fails again within the period is quarantined again at once.
        breaker_ = BreakerState::closed;
        good_since_ = now;
    }
}

void RestartPolicy::forgive() {
    window_.clear();
    call_crashes_.clear();
    tries_ = 0;
    breaker_ = BreakerState::closed;
}

}  // namespace caisson::fleet
