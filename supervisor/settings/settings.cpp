// SPDX-License-Identifier: Apache-2.0
#include "settings/settings.hpp"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <vector>

#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

/// Processors that the largest machine could have: where growing the mask ends.
constexpr std::size_t max_cores = std::size_t{1} << 20;

/// Cores that this process may run on. A container or taskset gives fewer than the machine has.
std::size_t usable_cores() {
    // The kernel refuses with EINVAL a mask that is smaller than its own.
    for (std::size_t cores = CPU_SETSIZE; cores <= max_cores; cores *= 2) {
        std::vector<cpu_set_t> mask(cores / CPU_SETSIZE);
        const std::size_t bytes = mask.size() * sizeof(cpu_set_t);
        if (::sched_getaffinity(0, bytes, mask.data()) == 0)
            return static_cast<std::size_t>(CPU_COUNT_S(bytes, mask.data()));
        if (errno != EINVAL) break;
    }
    return std::thread::hardware_concurrency();
}

}  // namespace

std::string_view word(RetryCause cause) {
    switch (cause) {
        case RetryCause::crashed:
            return "crashed";
        case RetryCause::timed_out:
            return "timed_out";
        case RetryCause::unavailable:
            return "unavailable";
        case RetryCause::failed:
            return "failed";
    }
    return "unknown";
}

Pool Settings::discovered(const std::string& name, const std::filesystem::path& library) const {
    Pool pool = defaults;
    pool.name = name;
    pool.plugin = library;
    return pool;
}

namespace {

std::uint32_t one_per_core() {
    return static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(usable_cores(), bounds::workers.min, bounds::workers.max));
}

}  // namespace

std::uint32_t worker_count(const Pool& pool) {
    if (pool.elastic) return pool.elastic->min;
    return pool.workers ? *pool.workers : one_per_core();
}

std::uint32_t most_workers(const Pool& pool) {
    if (!pool.elastic) return worker_count(pool);
    return pool.elastic->max > 0 ? pool.elastic->max : std::max(pool.elastic->min, one_per_core());
}

}  // namespace caisson::settings
