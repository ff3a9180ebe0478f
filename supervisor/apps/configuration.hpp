// SPDX-License-Identifier: Apache-2.0
/// The configuration that holds: the file that was found, the defaults of this machine, and the plugins of plugin_dir.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "settings/discover.hpp"
#include "settings/problem.hpp"
#include "settings/settings.hpp"

namespace caisson::apps {

/// What the command line says, and wins. Empty: nothing.
struct Overrides {
    std::filesystem::path config = {};
    std::filesystem::path socket = {};
    std::filesystem::path plugin_dir = {};
};

/// What is known of plugin_dir from before.
struct Seen {
    std::filesystem::path folder = {};
    std::vector<settings::Entry> entries = {};  ///< when it could be read last: what goes on if it cannot be read now
    std::set<std::string> unfinished = {};      ///< names of files that are being written, and run nowhere yet
};

struct Configuration {
    settings::Settings settings;  ///< resolved: every path is absolute, discovered pools are there
    settings::Problems problems;
    std::string how;  ///< which file, and why that one; for the log

    settings::Settings written = {};           ///< before it was resolved, and so independent of what is in plugin_dir
    settings::Problems written_problems = {};  ///< of the file
    Seen seen = {};

    /// Nothing is wrong with the file as a whole.
    [[nodiscard]] bool usable() const;
    /// Nothing is wrong but libraries in plugin_dir that get no pool.
    [[nodiscard]] bool clean() const;
};

[[nodiscard]] Configuration read_configuration(const Overrides& overrides, const Seen& seen = {});

/// The same file, and plugin_dir as it is now.
[[nodiscard]] Configuration look_again(const Configuration& before, const Seen& seen);

}  // namespace caisson::apps
