// SPDX-License-Identifier: Apache-2.0
/// Whether a new version of a library is good: one worker runs it beside the old ones, and this judges. Pure: time and
/// chance are arguments.
///
///     starting --ready--> proving --calls answered, or time passed--> promoted
///        ^  |                |
///        |  +---- ended -----+---- ended more often than the restart window lets --> rolled back
///        +--- after the back-off
///
/// It has a restart policy of its own, with the pool's rules. Unlike in a pool, an end in a call counts in the window
/// too: a version that crashes in calls is just what a trial is to find, and the old version is there to go on with.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "fleet/restart_policy.hpp"
#include "settings/settings.hpp"

namespace caisson::fleet {

class Canary {
   public:
    Canary(const settings::Canary& rules, const settings::Restart& restart) : rules_(rules), policy_(restart) {}

    /// Its worker became ready: it must prove itself from now on.
    void on_ready(TimePoint now);
    /// It answered calls, and well.
    void on_good(std::uint32_t calls);
    /// It answered calls, and something had gone wrong. True if it is to be rolled back: as many as would have proved
    /// it, and none of them was good.
    [[nodiscard]] bool on_bad(std::uint32_t calls);
    struct Decision {
        bool roll_back = false;
        Duration delay{};  ///< else try again after this
    };
    /// Its worker ended. What it had proved before counts no more. `chance` is uniform in [0, 1).
    [[nodiscard]] Decision on_end(EndCause cause, TimePoint now, double chance);

    [[nodiscard]] bool proven(TimePoint now) const;
    /// When it is proven by time, if it has not done worse than nothing; nothing while it is not ready.
    [[nodiscard]] std::optional<TimePoint> due() const;
    /// Good answers of the worker that runs now.
    [[nodiscard]] std::uint64_t calls() const { return calls_; }
    /// Workers that it has lost.
    [[nodiscard]] std::uint32_t ends() const { return ends_; }

   private:
    settings::Canary rules_;
    RestartPolicy policy_;
    std::optional<TimePoint> ready_since_;
    std::uint64_t calls_ = 0;
    std::uint64_t bad_ = 0;
    std::uint32_t ends_ = 0;
};

}  // namespace caisson::fleet
