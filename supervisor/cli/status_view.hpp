// SPDX-License-Identifier: Apache-2.0
/// The service's status as tables. Pure.
#pragma once

#include <string>

#include "cli/document.hpp"

namespace caisson::cli {

/// One line about the supervisor, one row per pool, and why a pool is not ready.
[[nodiscard]] std::string status_text(const Json& status);
/// The same for one pool, with its methods and workers.
[[nodiscard]] std::string pool_text(const Json& status);
/// One row per worker of all pools.
[[nodiscard]] std::string workers_text(const Json& status);

}  // namespace caisson::cli
