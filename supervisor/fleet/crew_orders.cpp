// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.hpp"
#include "fleet/crew.hpp"

// What an operator orders: drain, resume, restart.
namespace caisson::fleet {

void Crew::drain() {
    enter(CrewEvent::drain);
    update_state();
}

// What was told to go goes; its places are filled anew.
void Crew::resume() {
    if (!drained()) return;
    resting_ = false;
    enter(CrewEvent::resume);
    forgive();
}

void Crew::rest() {
    if (!drained() || resting_) return;
    resting_ = true;
    halt(TimePoint::max());
    update_state();
}

Result<std::vector<std::uint32_t>> Crew::restart(std::optional<std::uint32_t> id, bool now) {
    if (closed() || drained())
        return fail(cat("pool ", name(), " is ", word(state_)),
                    drained() ? cat("`caisson resume ", name(), "` starts its workers") : std::string{});
    std::vector<std::uint32_t> chosen;
    std::string others;
    for (const auto& slot : slots_) {
        const bool leaving = slot->duty == Duty::leaving;
        others += leaving ? "" : cat(others.empty() ? "" : ", ", slot->id);
        if (id && (slot->id != *id || leaving)) continue;
        if (!leaving) chosen.push_back(slot->id);
        if (!slot->worker) continue;
        if (now)
            slot->worker->kill_as_ordered("restarted by an operator");
        else if (slot->ready())
            slot->worker->want_renewal("an operator restarts it");
    }
    if (id && chosen.empty())
        return fail(cat("pool ", name(), " has no worker ", *id), cat("its workers are: ", others));
    around_.log.event("pool_restarted", LogLevel::info, "an operator restarts workers",
                      {{"pool", name()}, {"workers", chosen.size()}, {"now", now ? "true" : "false"}});
    forgive();
    return chosen;
}

}  // namespace caisson::fleet
