// SPDX-License-Identifier: Apache-2.0
/// Tries a plugin: loads it in a worker of its own, as a pool would, and ends it in good order.
#pragma once

#include "base/result.hpp"
#include "fleet/plugin_info.hpp"
#include "settings/settings.hpp"

namespace caisson::apps {

/// What the plugin offers, or why a pool of it would not start or not stop well. Waits at most for the pool's
/// `limits.start_timeout` and its stop ladder.
[[nodiscard]] Result<fleet::PluginInfo> try_plugin(const settings::Pool& pool);

}  // namespace caisson::apps
