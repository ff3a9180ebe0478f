// SPDX-License-Identifier: Apache-2.0
/// Pools as the benchmarks want them: nothing bounded that a benchmark meets on purpose, and a way to start.
#pragma once

#include <caisson/pool.hpp>
#include <optional>
#include <string_view>

#include "../measured.hpp"

namespace bench {

/// How a worker comes to be: exec, zygote, or spare (exec, with one more that is ready).
/// Nothing if this Caisson cannot start a worker so.
template <class Options = caisson::PoolOptions>
[[nodiscard]] std::optional<Options> pool_started_by(std::string_view how) {
    Options options;
    options.poison = {.crashes = 0};
    options.restart = {.call_crashes = 100'000};
    options.queue = {.calls = 1'000'000};
    if (how == "exec") return options;
    if constexpr (requires { options.spares = 1; }) {
        options.spares = how == "spare" ? 1 : 0;
        if (how == "spare") return options;
    }
    if constexpr (requires { decltype(options.start)::zygote; }) {
        options.start = decltype(options.start)::zygote;
        if (how == "zygote") return options;
    }
    return {};
}

}  // namespace bench
