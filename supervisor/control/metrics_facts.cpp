// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/version.hpp"
#include "control/metrics.hpp"
#include "control/status.hpp"
#include "dispatch/dispatcher.hpp"

// What there is to tell, gathered from those who know it.
namespace caisson::control {
namespace {

double seconds_of(const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

PoolMetrics pool_metrics(const dispatch::Pool& pool, const fleet::Crew& crew) {
    PoolMetrics out{.name = crew.name(),
                    .state = std::string{pool.removed ? "draining" : word(crew.state())},
                    .queued = pool.queue.size(),
                    .queued_bytes = pool.queue.bytes(),
                    .running = pool.running,
                    .retries = pool.counters.retries,
                    .by_outcome = pool.counters.by_outcome,
                    .measures = &pool.measures};
    for (const auto& slot : crew.slots()) ++out.workers[std::string{fleet::Crew::word_of(*slot)}];
    for (const auto cause : {fleet::EndCause::failed_start, fleet::EndCause::outside_call, fleet::EndCause::in_call,
                             fleet::EndCause::intended})
        out.restarts[std::string{word(cause)}] = crew.restarts(cause);
    return out;
}

}  // namespace

ProcessMetrics this_process(double uptime_s) {
    ProcessMetrics out;
    rusage usage{};
    if (::getrusage(RUSAGE_SELF, &usage) == 0) out.cpu_s = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
    std::uint64_t virtual_pages = 0;
    std::uint64_t resident_pages = 0;
    if (std::ifstream{"/proc/self/statm"} >> virtual_pages >> resident_pages) {
        const auto page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
        out.virtual_bytes = virtual_pages * page_size;
        out.resident_bytes = resident_pages * page_size;
    }
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{"/proc/self/fd", error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error))
        ++out.open_fds;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_fds = limit.rlim_cur;
    const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
    out.started_s = now.count() - uptime_s;
    return out;
}

ServiceMetrics gather_metrics(dispatch::Dispatcher& dispatcher, const ServiceFacts& facts) {
    dispatcher.measure_now();
    ServiceMetrics out{.version = std::string{version_text},
                       .pools = {},
                       .refused = dispatcher.refused(),
                       .process = this_process(seconds(Clock::now() - facts.started))};
    for (const auto& [name, pool] : dispatcher.pools()) out.pools.push_back(pool_metrics(*pool, dispatcher.crew(name)));
    return out;
}

}  // namespace caisson::control
