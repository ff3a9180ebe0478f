// SPDX-License-Identifier: Apache-2.0
/// Turns what an operator wrote into the pools that run: every plugin becomes the path of a library, and every library
/// that no section claims gets a pool of its own.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "settings/discover.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace caisson::settings {

/// What stands at a path: `look_at`, or a test's answer.
using Look = std::function<std::optional<EntryKind>(const std::filesystem::path&)>;

struct Resolved {
    Settings settings;  ///< `pools` has the discovered ones too, and each `plugin` is an absolute path
    Problems problems;  ///< libraries that are missing (scope pool) or get no pool (scope library)
};

/// Resolves the plugins of `settings`, whose plugin_dir must be filled in (with_default_paths). `entries` are what is
/// in it; they are looked through only if `discover` is on. A pool whose library is missing stays, so that a status can
/// show it; its plugin is the path where the library was looked for first.
[[nodiscard]] Resolved resolve(Settings settings, const std::vector<Entry>& entries, const Look& look);

}  // namespace caisson::settings
