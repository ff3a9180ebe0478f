// SPDX-License-Identifier: Apache-2.0
/// Which keys there are, and what each sets: the whole configuration as a list that can be read from top to bottom.
#pragma once

#include <set>
#include <string>

#include "settings/reader.hpp"
#include "settings/settings.hpp"
#include "settings/tree.hpp"

namespace caisson::settings {

/// The settings that `root` says. Problems go to `reading`; a pool that has one is in `rejected`, not in `pools`.
[[nodiscard]] Settings read_settings(const Table& root, Reading& reading);

/// Every key, as "service.socket" and "pool.NAME.restart.backoff.min". Tests hold them against the documentation.
[[nodiscard]] std::set<std::string> known_keys();

}  // namespace caisson::settings
