// SPDX-License-Identifier: Apache-2.0
/// Where things are when nobody says: the configuration file, the socket, crash reports, plugins.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "settings/settings.hpp"

namespace caisson::settings {

/// What the answers depend on, so that a test can say it.
struct Environment {
    std::function<std::optional<std::string>(const std::string& name)> variable;
    std::function<bool(const std::filesystem::path&)> exists;
    std::uint32_t uid = 0;            ///< the effective one
    std::filesystem::path home;       ///< of the user; empty: unknown
    std::filesystem::path directory;  ///< the current one
};

/// The environment of this process.
[[nodiscard]] Environment this_process();

/// The file that `serve` reads.
struct Found {
    std::filesystem::path file;  ///< empty: there is none, the built-in defaults hold
    std::string how;             ///< for people: "given with -c", "in the current folder"

    bool operator==(const Found&) const = default;
};

/// `asked` if there is one, else ./caisson.toml, else the user's, else /etc/caisson/caisson.toml, else none. A file
/// that was asked for need not exist: reading it says so.
[[nodiscard]] Found find_file(const Environment& environment, const std::filesystem::path& asked = {});

/// $CAISSON_SOCKET, else in XDG_RUNTIME_DIR, /run (root) or /tmp.
[[nodiscard]] std::filesystem::path default_socket(const Environment& environment);

/// /var/lib/caisson (root), else in XDG_STATE_HOME or ~/.local/state.
[[nodiscard]] std::filesystem::path default_state_dir(const Environment& environment);

/// The plugins that stand beside a program in `executable_dir`: those of its installation, else of its build tree.
[[nodiscard]] std::filesystem::path default_plugin_dir(const Environment& environment,
                                                       const std::filesystem::path& executable_dir);

/// `service` with every path that it leaves open. Fails if the socket's path is too long.
[[nodiscard]] Result<Service> with_default_paths(Service service, const Environment& environment,
                                                 const std::filesystem::path& executable_dir);

}  // namespace caisson::settings
