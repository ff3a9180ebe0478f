// SPDX-License-Identifier: Apache-2.0
/// When a worker that ended is replaced, and when to stop trying. Pure: time and chance are arguments.
///
/// The window is OTP's (Erlang `supervisor`, function add_restart): keep the stamps of the last `period`, add the new
/// one, give up if there are more than `intensity`. Unlike a tumbling window it cannot let twice the burst through.
/// The back-off is geometric, as systemd's RestartSteps; unlike systemd's it forgets, once a worker has served a call
/// and `reset_after` has passed (as uWSGI's emperor trusts a vassal that has served). The first restart of a pool that
/// has served a call comes without delay.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>

#include "base/clock.hpp"
#include "settings/settings.hpp"

namespace caisson::fleet {

/// The stamps of the last `period`.
class RestartWindow {
   public:
    /// Notes one event at `now`; true if there are now more than `intensity` within `period` (inclusive, as in OTP).
    bool add(TimePoint now, std::uint32_t intensity, Duration period);
    void clear() { stamps_.clear(); }
    [[nodiscard]] std::size_t size() const { return stamps_.size(); }

   private:
    std::deque<TimePoint> stamps_;
};

/// delay(n) = min * (max / min)^(n / steps), with up to `jitter` of it taken off by chance.
[[nodiscard]] Duration backoff_delay(const settings::Backoff& backoff, std::uint32_t n, double chance);

/// Why a worker ended, as far as the policy cares.
enum class EndCause : std::uint8_t {
    failed_start,  ///< never became ready
    outside_call,  ///< ended while no call ran
    in_call,       ///< a call killed it; charged to the call
    intended,      ///< the supervisor stopped it
};

/// "start", "idle", "call", "stop": in metrics and status.
[[nodiscard]] std::string_view word(EndCause cause);

/// closed: all is well. open: quarantined, nothing is started. half_open: one worker tries.
enum class BreakerState : std::uint8_t { closed, open, half_open };

class RestartPolicy {
   public:
    explicit RestartPolicy(const settings::Restart& rules) : rules_(rules) {}
    void set_rules(const settings::Restart& rules) { rules_ = rules; }

    struct Decision {
        bool quarantine = false;  ///< the breaker opened: start nothing; ask `probe_due` later
        Duration delay{};         ///< else start the replacement after this
    };
    /// A worker ended. `chance` is uniform in [0, 1).
    [[nodiscard]] Decision on_end(EndCause cause, TimePoint now, double chance);
    /// A worker became ready. Closes a half-open breaker.
    void on_ready(TimePoint now);
    /// A worker answered a call.
    void on_served() { served_ = true; }

    [[nodiscard]] BreakerState breaker() const { return breaker_; }
    /// When an open breaker lets one worker try.
    [[nodiscard]] TimePoint probe_due() const { return opened_ + rules_.cooldown; }
    /// The cool-down is over: one worker may try.
    void begin_probe() { breaker_ = BreakerState::half_open; }
    /// An operator or a changed library closes the breaker and forgives.
    void forgive();

   private:
    settings::Restart rules_;
    RestartWindow window_;        // failed starts and exits outside calls
    RestartWindow call_crashes_;  // crashes in calls
    BreakerState breaker_ = BreakerState::closed;
    TimePoint opened_{};
    TimePoint good_since_{};  // when the last end that counts was
    bool served_ = false;
    std::uint32_t tries_ = 0;  // restarts since the back-off was reset
};

}  // namespace caisson::fleet
