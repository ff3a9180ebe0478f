// SPDX-License-Identifier: Apache-2.0
#include "cli/top/model.hpp"

#include <algorithm>
#include <tuple>

#include "base/text.hpp"

namespace caisson::cli::top {
namespace {

// Two documents that are closer than this say nothing of a rate.
constexpr double shortest_interval_s = 0.02;

// The calls that ended, in whatever way.
std::optional<std::int64_t> ended_calls(const Json& pool) {
    const Json& calls = member(pool, "calls");
    if (!calls.is_object()) return std::nullopt;
    std::int64_t sum = 0;
    for (const auto& [outcome, count] : calls.items())
        if (count.is_number_integer()) sum += count.get<std::int64_t>();
    return sum;
}

// Seconds between two documents, or nothing if they are not of one and the same service.
std::optional<double> elapsed_s(const Json& status, const Json& before) {
    const Json& now = member(status, "supervisor");
    const Json& then = member(before, "supervisor");
    if (number(now, "pid") != number(then, "pid")) return std::nullopt;
    const auto elapsed = real(now, "uptime_s").value_or(0) - real(then, "uptime_s").value_or(0);
    return elapsed >= shortest_interval_s ? std::optional{elapsed} : std::nullopt;
}

const Json& pool_named(const Json& status, const std::string& name) {
    static const Json none;
    for (const auto& pool : member(status, "pools"))
        if (text(pool, "name") == name) return pool;
    return none;
}

// What the service itself has measured is good enough for the first look.
std::optional<double> rate_of(const Json& pool, const Json& before, std::optional<double> elapsed) {
    const auto now = ended_calls(pool);
    const auto then = ended_calls(before);
    if (!elapsed || !now || !then || *now < *then) return real(member(pool, "rates"), "1s");
    return static_cast<double>(*now - *then) / *elapsed;
}

bool can_take_calls(const Json& worker) {
    const auto state = text(worker, "state");
    return state == "idle" || state == "running";
}

std::string last_crash_of(const Json& pool) {
    const Json& crash = member(pool, "last_crash");
    const auto message = text(crash, "message");
    return message.empty() ? message : cat(text(crash, "time"), ' ', message);
}

PoolRow pool_row(const Json& pool, const Json& before, std::optional<double> elapsed) {
    const Json& minute = member(member(pool, "latency"), "minute");
    // Where there were no calls, none took no time.
    const Json latency = number(minute, "calls") == 0 ? Json{} : member(minute, "total");
    const Json& workers = member(pool, "workers");
    return {.name = text(pool, "name"),
            .state = text(pool, "state"),
            .reason = text(pool, "reason"),
            .plugin = text(pool, "plugin"),
            .version = text(pool, "version"),
            .hash = text(member(pool, "library"), "hash"),
            .breaker = text(member(pool, "breaker"), "state"),
            .last_crash = last_crash_of(pool),
            .ready = std::ranges::count_if(workers, can_take_calls),
            .target = number(pool, "target").value_or(static_cast<std::int64_t>(workers.size())),
            .running = number(pool, "running").value_or(0),
            .queued = number(pool, "queued").value_or(0),
            .restarts = number(pool, "restarts").value_or(0),
            .crashes = number(member(pool, "calls"), "crashed").value_or(0),
            .calls_per_s = rate_of(pool, before, elapsed),
            .p50_s = real(latency, "p50_s"),
            .p99_s = real(latency, "p99_s"),
            .since_s = real(pool, "since_s"),
            .probe_in_s = real(member(pool, "breaker"), "probe_in_s"),
            .memory_bytes = number(pool, "memory_bytes")};
}

WorkerRow worker_row(const std::string& pool, const Json& worker) {
    return {.pool = pool,
            .id = number(worker, "id").value_or(0),
            .pid = number(worker, "pid").value_or(0),
            .state = text(worker, "state"),
            .method = text(worker, "method"),
            .running_s = real(worker, "running_s"),
            .calls = number(worker, "calls").value_or(0),
            .uptime_s = real(worker, "uptime_s").value_or(0),
            .memory_bytes = number(worker, "memory_bytes")};
}

Service service_of(const Json& status, const std::vector<PoolRow>& pools) {
    const Json& supervisor = member(status, "supervisor");
    Service service{.version = text(supervisor, "version"),
                    .state = text(supervisor, "state"),
                    .socket = text(supervisor, "socket"),
                    .uptime_s = real(supervisor, "uptime_s").value_or(0),
                    .calls_per_s = {},
                    .sessions = number(supervisor, "sessions"),
                    .problems = member(supervisor, "problems").size()};
    for (const auto& pool : pools) {
        service.running += pool.running;
        service.queued += pool.queued;
        service.ready += pool.ready;
        service.target += pool.target;
        if (pool.calls_per_s) service.calls_per_s = service.calls_per_s.value_or(0) + *pool.calls_per_s;
    }
    return service;
}

}  // namespace

std::string name_of(const WorkerRow& worker) { return cat(worker.pool, '/', worker.id); }

Model model_of(const Json& status, const Json& before) {
    Model model;
    const auto elapsed = elapsed_s(status, before);
    for (const auto& pool : member(status, "pools")) {
        const auto& row = model.pools.emplace_back(pool_row(pool, pool_named(before, text(pool, "name")), elapsed));
        for (const auto& worker : member(pool, "workers")) model.workers.push_back(worker_row(row.name, worker));
    }
    std::ranges::sort(model.pools, {}, &PoolRow::name);
    std::ranges::sort(model.workers, {}, [](const WorkerRow& row) { return std::tie(row.pool, row.id); });
    model.service = service_of(status, model.pools);
    return model;
}

}  // namespace caisson::cli::top
