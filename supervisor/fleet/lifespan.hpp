// SPDX-License-Identifier: Apache-2.0
/// When a worker has lived long enough and is recycled. Pure: what it has lived through, and luck, are arguments.
///
/// Workers that were started together would come to their end together. Each is given a part of its span that is its
/// own: between four fifths and the whole of what the settings say, which is never exceeded knowingly.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.hpp"
#include "settings/settings.hpp"

namespace caisson::fleet {

/// The part of a span that is left to luck.
inline constexpr double lifespan_spread = 0.2;

/// Of a worker so far; or what it may have, where 0 means without end.
struct Life {
    std::uint64_t calls = 0;
    Duration age{};
    std::uint64_t memory_bytes = 0;
};

/// What a worker of such luck, from 0 to 1, may have.
[[nodiscard]] Life lifespan(const settings::Recycling& rules, double luck);

/// Why a worker that has lived so is to go; empty if it may stay.
[[nodiscard]] std::string outlived(const Life& lived, const settings::Recycling& rules, double luck);

}  // namespace caisson::fleet
