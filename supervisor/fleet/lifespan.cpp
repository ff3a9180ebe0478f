// SPDX-License-Identifier: Apache-2.0
#include "fleet/lifespan.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/units.hpp"

namespace caisson::fleet {

Life lifespan(const settings::Recycling& rules, double luck) {
    const double part = 1.0 - lifespan_spread * luck;
    const auto share = [&](std::uint64_t whole) {
        return whole == 0 ? 0 : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(double(whole) * part));
    };
    return {.calls = share(rules.max_calls),
            .age = std::chrono::milliseconds{share(static_cast<std::uint64_t>(rules.max_age.count()))},
            .memory_bytes = share(rules.max_memory)};
}

std::string outlived(const Life& lived, const settings::Recycling& rules, double luck) {
    const auto span = lifespan(rules, luck);
    if (span.calls > 0 && lived.calls >= span.calls) return cat("max_calls: it has answered ", lived.calls, " calls");
    if (span.age > Duration::zero() && lived.age >= span.age)
        return cat("max_age: it is ", static_cast<std::int64_t>(seconds(lived.age)), " s old");
    if (span.memory_bytes > 0 && lived.memory_bytes >= span.memory_bytes)
        return cat("max_memory: it has ", lived.memory_bytes, " bytes of memory");
    return {};
}

}  // namespace caisson::fleet
