// SPDX-License-Identifier: Apache-2.0
#include "dispatch/retry.hpp"

#include <algorithm>

namespace caisson::dispatch {

std::uint32_t granted_retries(const Call& call, const settings::Pool& pool, const fleet::PluginInfo* info) {
    if (call.retries >= 0) return static_cast<std::uint32_t>(call.retries);
    const auto own = pool.methods.find(call.method());
    if (own != pool.methods.end() && own->second.retries) return *own->second.retries;
    if (pool.retry.retries == 0 || info == nullptr) return 0;
    const auto* const index = info->find(call.method());
    return index != nullptr && info->methods[*index].idempotent ? pool.retry.retries : 0;
}

bool is_retried(settings::RetryCause cause, const settings::Retry& rules) {
    return std::ranges::find(rules.on, cause) != rules.on.end();
}

Duration retry_pause(std::uint32_t attempt, const settings::Retry& rules, double chance) {
    constexpr std::uint32_t most_doublings = 20;
    const auto doubled = rules.backoff_min * (std::int64_t{1} << std::min(attempt - 1, most_doublings));
    const auto pause = std::chrono::duration<double, std::milli>{std::min(doubled, rules.backoff_max)};
    return std::chrono::duration_cast<Duration>(pause * (1 - 0.5 * chance));
}

}  // namespace caisson::dispatch
