// SPDX-License-Identifier: Apache-2.0
/// What a new worker is told: its environment, and the document of the `setup` frame.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fleet/library.hpp"
#include "settings/settings.hpp"

namespace caisson::fleet {

/// NAME=value: PATH, LANG and TZ of the supervisor, and what the pool's `env` says. Nothing else is inherited.
[[nodiscard]] std::vector<std::string> environment_of(const settings::Pool& pool);
/// JSON, see docs/wire.md. Without a library the worker loads what the pool's `plugin` names.
[[nodiscard]] std::string setup_document(const settings::Pool& pool, std::uint32_t worker, const LibraryRef& library,
                                         bool zygote = false);

}  // namespace caisson::fleet
