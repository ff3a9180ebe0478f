// SPDX-License-Identifier: Apache-2.0
/// What `caisson status` shows, as JSON. Fields are added, never renamed.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "dispatch/dispatcher.hpp"

namespace caisson::control {

/// What the status says of the service itself.
struct ServiceFacts {
    std::filesystem::path socket;
    std::filesystem::path config;  ///< empty: built-in defaults
    TimePoint started{};
    struct Reload {
        std::string time;
        bool ok = true;
        std::string message;
        std::string source;  ///< "command", "signal" or "file watch"
    };
    std::optional<Reload> reload = {};  ///< the last one that changed something, or was refused
    std::vector<std::string> problems;  ///< of the configuration and of plugin_dir; what they name does not run
};

/// All pools, or the one that is named. Nothing but the name of the problem if there is no such pool.
[[nodiscard]] nlohmann::json status(const dispatch::Dispatcher& dispatcher, const ServiceFacts& facts,
                                    std::string_view only_pool);

}  // namespace caisson::control
