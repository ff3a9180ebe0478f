// SPDX-License-Identifier: Apache-2.0
#include "cli/top/columns.hpp"

#include <array>

#include "base/text.hpp"
#include "cli/top/figures.hpp"

namespace caisson::cli::top {
namespace {

SortKey key_of(std::int64_t number) { return static_cast<double>(number); }
SortKey key_of(double number) { return number; }
SortKey key_of(const std::string& text) { return text.empty() ? SortKey{} : SortKey{text}; }
template <class T>
SortKey key_of(const std::optional<T>& value) {
    return value ? key_of(*value) : SortKey{};
}

template <class T>
std::string shown(const std::optional<T>& value, std::string (*figure)(T)) {
    return value ? figure(*value) : std::string{};
}

template <class Row>
Role plain(const Row&) {
    return Role::plain;
}

Role role_of_pool(const PoolRow& row) {
    if (row.state == "ready") return Role::plain;
    return row.state == "quarantined" || row.state == "failed" ? Role::bad : Role::warning;
}

Role role_of_readiness(const PoolRow& row) { return row.ready < row.target ? Role::warning : Role::plain; }

Role role_of_crashes(const PoolRow& row) { return row.crashes > 0 ? Role::warning : Role::plain; }

Role role_of_worker(const WorkerRow& row) {
    if (row.state == "running") return Role::plain;
    return row.state == "idle" || row.state == "spare" ? Role::quiet : Role::warning;
}

}  // namespace

bool sorts_before(const SortKey& left, const SortKey& right, bool descending) {
    const bool left_known = left.index() != 0;
    const bool right_known = right.index() != 0;
    if (left_known != right_known) return left_known;
    return descending ? right < left : left < right;
}

std::span<const Column<PoolRow>> pool_columns() {
    using Row = PoolRow;
    static constexpr std::array columns{
        Column<Row>{"POOL", false, 8, 24, 0, false, [](const Row& row) { return row.name; },
                    [](const Row& row) { return key_of(row.name); }, plain<Row>},
        Column<Row>{"STATE", false, 8, 11, 1, false, [](const Row& row) { return row.state; },
                    [](const Row& row) { return key_of(row.state); }, role_of_pool},
        Column<Row>{"READY", true, 5, 9, 2, false, [](const Row& row) { return cat(row.ready, '/', row.target); },
                    [](const Row& row) { return key_of(row.ready); }, role_of_readiness},
        Column<Row>{"RUN", true, 3, 5, 5, false, [](const Row& row) { return short_count(row.running); },
                    [](const Row& row) { return key_of(row.running); }, plain<Row>},
        Column<Row>{"QUEUE", true, 5, 7, 4, false, [](const Row& row) { return short_count(row.queued); },
                    [](const Row& row) { return key_of(row.queued); }, plain<Row>},
        Column<Row>{"CALLS/S", true, 7, 7, 3, false, [](const Row& row) { return shown(row.calls_per_s, short_rate); },
                    [](const Row& row) { return key_of(row.calls_per_s); }, plain<Row>},
        Column<Row>{"P50", true, 5, 6, 9, true, [](const Row& row) { return shown(row.p50_s, short_time); },
                    [](const Row& row) { return key_of(row.p50_s); }, plain<Row>},
        Column<Row>{"P99", true, 5, 6, 8, true, [](const Row& row) { return shown(row.p99_s, short_time); },
                    [](const Row& row) { return key_of(row.p99_s); }, plain<Row>},
        Column<Row>{"RESTARTS", true, 8, 9, 7, false, [](const Row& row) { return short_count(row.restarts); },
                    [](const Row& row) { return key_of(row.restarts); }, plain<Row>},
        Column<Row>{"CRASHES", true, 7, 9, 6, false, [](const Row& row) { return short_count(row.crashes); },
                    [](const Row& row) { return key_of(row.crashes); }, role_of_crashes},
        Column<Row>{"MEM", true, 5, 6, 10, true, [](const Row& row) { return shown(row.memory_bytes, short_size); },
                    [](const Row& row) { return key_of(row.memory_bytes); }, plain<Row>},
    };
    return columns;
}

std::span<const Column<WorkerRow>> worker_columns() {
    using Row = WorkerRow;
    static constexpr std::array columns{
        // Sorted by its pool; workers of one stay in their order.
        Column<Row>{"WORKER", false, 8, 24, 0, false, [](const Row& row) { return name_of(row); },
                    [](const Row& row) { return key_of(row.pool); }, plain<Row>},
        Column<Row>{"PID", true, 7, 7, 4, false,
                    [](const Row& row) { return row.pid > 0 ? cat(row.pid) : std::string{}; },
                    [](const Row& row) { return row.pid > 0 ? key_of(row.pid) : SortKey{}; }, plain<Row>},
        Column<Row>{"STATE", false, 8, 10, 3, false, [](const Row& row) { return row.state; },
                    [](const Row& row) { return key_of(row.state); }, role_of_worker},
        Column<Row>{"METHOD", false, 12, 40, 1, false, [](const Row& row) { return row.method; },
                    [](const Row& row) { return key_of(row.method); }, plain<Row>},
        Column<Row>{"FOR", true, 6, 6, 2, false, [](const Row& row) { return shown(row.running_s, short_time); },
                    [](const Row& row) { return key_of(row.running_s); }, plain<Row>},
        Column<Row>{"CALLS", true, 9, 9, 5, false, [](const Row& row) { return short_count(row.calls); },
                    [](const Row& row) { return key_of(row.calls); }, plain<Row>},
        Column<Row>{"AGE", true, 6, 6, 6, false, [](const Row& row) { return short_time(row.uptime_s); },
                    [](const Row& row) { return key_of(row.uptime_s); }, plain<Row>},
        Column<Row>{"MEM", true, 5, 6, 7, true, [](const Row& row) { return shown(row.memory_bytes, short_size); },
                    [](const Row& row) { return key_of(row.memory_bytes); }, plain<Row>},
    };
    return columns;
}

}  // namespace caisson::cli::top
