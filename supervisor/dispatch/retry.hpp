// SPDX-License-Identifier: Apache-2.0
/// Whether a call is tried again, and when. Pure.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "dispatch/call.hpp"
#include "fleet/plugin_info.hpp"
#include "settings/settings.hpp"

namespace caisson::dispatch {

/// Retries that the call may have: those its caller asked for; else those of its method; else the pool's, if the method
/// is idempotent. `info` may be null.
[[nodiscard]] std::uint32_t granted_retries(const Call& call, const settings::Pool& pool,
                                            const fleet::PluginInfo* info);

/// True if after this cause the pool's callers want another attempt.
[[nodiscard]] bool is_retried(settings::RetryCause cause, const settings::Retry& rules);

/// The pause after attempt number `attempt`: doubling from backoff_min to backoff_max, of which a random part up to a
/// half is taken off (`chance` from 0 to 1), so that what failed together does not come back together.
[[nodiscard]] Duration retry_pause(std::uint32_t attempt, const settings::Retry& rules, double chance);

}  // namespace caisson::dispatch
