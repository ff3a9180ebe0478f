// SPDX-License-Identifier: Apache-2.0
/// What `caisson status` shows, as JSON. Fields are added, never renamed.
#pragma once

#include <sys/types.h>

#include <cstdint>
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
    std::uint32_t generation = 1;  ///< one more with each upgrade
    struct Before {
        pid_t pid = 0;  ///< 0: there was none
        std::string version;
    };
    Before upgraded_from = {};
    struct Reload {
        std::string time;
        bool ok = true;
        std::string message;
        std::string source;  ///< "command", "signal" or "file watch"
    };
    std::optional<Reload> reload = {};  ///< the last one that changed something, or was refused
    std::vector<std::string> problems;  ///< of the configuration and of plugin_dir; what they name does not run
    /// Where HTTP is answered, as one writes it: "unix:/run/…", "http://127.0.0.1:9464"; empty: nowhere, and why.
    struct Http {
        std::string address = {};
        std::string problem = {};
        bool operate = false;
    };
    Http http = {};
};

/// All pools, or the one that is named. Nothing but the name of the problem if there is no such pool.
[[nodiscard]] nlohmann::json status(const dispatch::Dispatcher& dispatcher, const ServiceFacts& facts,
                                    std::string_view only_pool);

}  // namespace caisson::control
