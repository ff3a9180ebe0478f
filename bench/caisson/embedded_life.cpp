// SPDX-License-Identifier: Apache-2.0
/// How long an embedded pool takes to come and go, and to have a new worker after a crash.
///
///     bench_embedded_life recovery|start exec|zygote|spare SECONDS
#include <algorithm>
#include <caisson/pool.hpp>
#include <string>
#include <thread>
#include <vector>

#include "pools.hpp"

using namespace bench;

namespace {

constexpr std::string_view usage = "bench_embedded_life recovery|start exec|zygote|spare SECONDS";

/// The pool has a worker that waits to take the place of another.
bool has_spare(const caisson::Pool& pool) {
    return std::ranges::any_of(pool.workers(), [](const auto& worker) { return worker.state == "spare"; });
}

void wait_for_spare(const caisson::Pool& pool) {
    const auto end = end_after(5);
    while (!has_spare(pool)) {
        if (Clock::now() > end) give_up("no spare became ready");
        std::this_thread::sleep_for(std::chrono::milliseconds{1});
    }
}

/// From the call that kills the only worker to the answer of the call behind it.
Report recovery(caisson::PoolOptions options, double seconds, bool with_spare) {
    options.plugin = CAISSON_BENCH_CHAOS;
    options.workers = 1;
    caisson::Pool pool{std::move(options)};
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        if (pool.apply<std::int64_t>("ok", std::int64_t{1}) != 1) give_up("a wrong answer");
        if (with_spare) wait_for_spare(pool);
        const auto start = Clock::now();
        const auto crash = pool.apply_async<void>("segv");
        if (pool.apply<std::int64_t>("ok", std::int64_t{1}) != 1) give_up("a wrong answer");
        times.add(start, Clock::now());
        if (crash.result()) give_up("segv did not crash");
    }
    return Report{}.add(times);
}

/// A pool of four, the answers of its first map, and its end.
Report start(const caisson::PoolOptions& options, double seconds) {
    const std::vector<std::int64_t> numbers{1, 2, 3, 4, 5, 6, 7, 8};
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        const auto begin = Clock::now();
        {
            auto mine = options;
            mine.plugin = "math";
            mine.workers = 4;
            caisson::Pool pool{std::move(mine)};
            if (pool.map<std::int64_t>("square", numbers).back() != 64) give_up("a wrong answer");
        }
        times.add(begin, Clock::now());
    }
    return Report{}.add(times);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) give_up("usage: " + std::string{usage});
    const std::string_view what = argv[1];
    const std::string_view how = argv[2];
    const double seconds = number(argc, argv, 3, usage);
    const auto options = pool_started_by(how);
    if (!options) {
        Report{}.add("unsupported", 1).print();
    } else if (what == "recovery") {
        recovery(*options, seconds, how == "spare").print();
    } else if (what == "start") {
        start(*options, seconds).print();
    } else {
        give_up("usage: " + std::string{usage});
    }
}
