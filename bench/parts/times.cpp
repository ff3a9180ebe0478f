// SPDX-License-Identifier: Apache-2.0
/// The time of each case, by Google Benchmark: items per second are calls per second.
#include <benchmark/benchmark.h>

#include <string>

#include "cases.hpp"

int main(int argc, char** argv) {
    constexpr std::size_t calls = 100 * bench::parts::calls_per_turn;  // so many that what a case sets up is nothing
    for (const auto& one : bench::parts::cases)
        benchmark::RegisterBenchmark(std::string{one.name}.c_str(), [run = one.run](benchmark::State& state) {
            for ([[maybe_unused]] auto _ : state) run(calls);
            state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(calls));
        });
    benchmark::Initialize(&argc, argv);
    benchmark::RunSpecifiedBenchmarks();
}
