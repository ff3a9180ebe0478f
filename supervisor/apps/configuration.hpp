// SPDX-License-Identifier: Apache-2.0
/// The configuration that holds: the file that was found, the defaults of this machine, and the plugins of plugin_dir.
#pragma once

#include <filesystem>
#include <string>

#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace caisson::apps {

/// What the command line says, and wins. Empty: nothing.
struct Overrides {
    std::filesystem::path config = {};
    std::filesystem::path socket = {};
    std::filesystem::path plugin_dir = {};
};

struct Configuration {
    settings::Settings settings;  ///< resolved: every path is absolute, discovered pools are there
    settings::Problems problems;
    std::string how;  ///< which file, and why that one; for the log

    /// Nothing is wrong with the file as a whole.
    [[nodiscard]] bool usable() const;
    /// Nothing is wrong but libraries in plugin_dir that get no pool.
    [[nodiscard]] bool clean() const;
};

[[nodiscard]] Configuration read_configuration(const Overrides& overrides);

}  // namespace caisson::apps
