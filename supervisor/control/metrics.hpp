// SPDX-License-Identifier: Apache-2.0
/// What Prometheus is told: the measures of the service as families of metrics, in its text format. Pure; what is known
/// is gathered by metrics_facts.cpp. prometheus-cpp writes the format, behind this header and nowhere else.
///
/// docs/metrics.md has a table of all of them; a test compares it with this.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dispatch/dispatcher.hpp"
#include "dispatch/measures.hpp"

namespace caisson::control {

struct ServiceFacts;

using CountsByWord = std::map<std::string, std::uint64_t, std::less<>>;

/// What is known of a pool.
struct PoolMetrics {
    std::string name;
    std::string state;
    std::uint64_t queued = 0;
    std::uint64_t queued_bytes = 0;
    std::uint64_t running = 0;
    std::uint64_t retries = 0;
    dispatch::OutcomeCounts by_outcome{};
    const dispatch::Measures* measures = nullptr;
    CountsByWord workers = {};   ///< by state
    CountsByWord restarts = {};  ///< by cause
};

/// What the kernel knows of the supervisor.
struct ProcessMetrics {
    double cpu_s = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t virtual_bytes = 0;
    std::uint64_t open_fds = 0;
    std::uint64_t max_fds = 0;
    double started_s = 0;  ///< since 1970
};
[[nodiscard]] ProcessMetrics this_process(double uptime_s);

struct ServiceMetrics {
    std::string version;
    std::vector<PoolMetrics> pools;
    CountsByWord refused;  ///< before they came to a pool
    std::uint64_t sessions = 0;
    std::uint64_t http_connections = 0;
    std::uint64_t log_dropped = 0;
    ProcessMetrics process;
};
/// Of now.
[[nodiscard]] ServiceMetrics gather_metrics(dispatch::Dispatcher& dispatcher, const ServiceFacts& facts);

/// The text format, version 0.0.4.
[[nodiscard]] std::string metrics_text(const ServiceMetrics& facts);
inline constexpr std::string_view metrics_content_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace caisson::control
