// SPDX-License-Identifier: Apache-2.0
/// What there is to see: the rows of pools and workers, made of one status document and the one before it. Pure.
///
/// Fields that a service does not tell are absent, not zero; and every text is made safe for a terminal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/document.hpp"

namespace caisson::cli::top {

struct Service {
    std::string version;
    std::string state;
    std::string socket;
    double uptime_s = 0;
    std::optional<double> calls_per_s;
    std::optional<std::int64_t> sessions;
    std::int64_t running = 0;
    std::int64_t queued = 0;
    std::int64_t ready = 0;  ///< workers that can take calls, of
    std::int64_t target = 0;
    std::size_t problems = 0;  ///< of its configuration
};

struct PoolRow {
    std::string name;
    std::string state;
    std::string reason;  ///< why it is not ready
    std::string plugin;
    std::string version;
    std::string hash;
    std::string breaker;
    std::string last_crash;
    std::int64_t ready = 0;
    std::int64_t target = 0;
    std::int64_t running = 0;
    std::int64_t queued = 0;
    std::int64_t restarts = 0;
    std::int64_t crashes = 0;  ///< calls that crashed
    std::optional<double> calls_per_s;
    std::optional<double> p50_s;
    std::optional<double> p99_s;
    std::optional<double> since_s;
    std::optional<double> probe_in_s;
    std::optional<std::int64_t> memory_bytes;
};

struct WorkerRow {
    std::string pool;
    std::int64_t id = 0;
    std::int64_t pid = 0;  ///< 0: it waits for its start
    std::string state;
    std::string method;  ///< what it runs now
    std::optional<double> running_s;
    std::int64_t calls = 0;
    double uptime_s = 0;
    std::optional<std::int64_t> memory_bytes;
};

/// "math/2"
[[nodiscard]] std::string name_of(const WorkerRow& worker);

struct Model {
    Service service;
    std::vector<PoolRow> pools;      ///< by name
    std::vector<WorkerRow> workers;  ///< by pool and id
};

/// `before` is an older document of the same service, or null: rates are what the counters went up by since then, in
/// the service's own time.
[[nodiscard]] Model model_of(const Json& status, const Json& before);

}  // namespace caisson::cli::top
