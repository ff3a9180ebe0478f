// SPDX-License-Identifier: Apache-2.0
/// What is known of a worker's death: the report that its call's outcome carries and that `caisson crashes` shows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "fleet/exit.hpp"

namespace caisson::dispatch {

/// One place of a stack, as far as it could be resolved.
struct StackPlace {
    std::string function;  ///< empty: not known
    std::string file;      ///< empty: no debug information
    std::uint32_t line = 0;
    std::string module;  ///< the library's file name
    std::uint64_t offset = 0;
};

struct CrashReport {
    std::string id;    ///< a ULID: sorts by time
    std::string time;  ///< RFC 3339, UTC
    std::string pool;
    std::string plugin;
    std::string version;
    std::string method;      ///< empty: no call ran
    std::uint64_t call = 0;  ///< 0: no call ran
    std::uint32_t worker = 0;
    pid_t pid = 0;
    fleet::Exit exit;
    std::vector<StackPlace> stack;
    std::vector<std::string> output;
    std::uint32_t attempts = 0;
    std::uint32_t max_attempts = 0;

    /// One line: what happened.
    [[nodiscard]] std::string message() const;
    [[nodiscard]] nlohmann::json to_json() const;
};

/// {"kind", "signal", "code", "address", "step", "why"}, without what does not apply.
[[nodiscard]] nlohmann::json exit_json(const fleet::Exit& exit);

/// A new report id: 48 bits of wall-clock milliseconds and 80 random bits, as 26 characters (the ULID specification).
[[nodiscard]] std::string new_report_id();

}  // namespace caisson::dispatch
