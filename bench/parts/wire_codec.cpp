// SPDX-License-Identifier: Apache-2.0
/// What frames cost without any process: writing and reading a burst of tiny calls, in memory.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "wire/codec.hpp"

namespace {

using namespace caisson;

constexpr std::string_view target = "math.square";
constexpr std::int64_t burst_calls = 256;  // what one write to a busy worker carries

wire::Buffer burst(std::size_t body_bytes) {
    wire::Buffer out;
    const wire::Buffer body(body_bytes);
    for (std::int64_t i = 0; i < burst_calls; ++i)
        wire::append_frame(out, {.type = wire::Type::call, .id = static_cast<std::uint64_t>(i)}, wire::bytes_of(target),
                           body);
    return out;
}

void append(benchmark::State& state) {
    const wire::Buffer body(static_cast<std::size_t>(state.range(0)));
    wire::Buffer out;
    for (auto _ : state) {
        out.clear();
        for (std::int64_t i = 0; i < burst_calls; ++i)
            wire::append_frame(out, {.type = wire::Type::call, .id = static_cast<std::uint64_t>(i)},
                               wire::bytes_of(target), body);
        benchmark::DoNotOptimize(out.data());
    }
    state.SetItemsProcessed(state.iterations() * burst_calls);
}

void read(benchmark::State& state) {
    const auto bytes = burst(static_cast<std::size_t>(state.range(0)));
    wire::FrameReader reader;
    for (auto _ : state) {
        std::ranges::copy(bytes, reader.prepare(bytes.size()).begin());
        reader.commit(bytes.size());
        std::int64_t frames = 0;
        while (auto frame = reader.next()) {
            benchmark::DoNotOptimize(frame->head().data());
            ++frames;
        }
        if (frames != burst_calls) state.SkipWithError("the reader lost frames");
    }
    state.SetItemsProcessed(state.iterations() * burst_calls);
}

BENCHMARK(append)->Arg(8)->Arg(1024);
BENCHMARK(read)->Arg(8)->Arg(1024);

}  // namespace

BENCHMARK_MAIN();
