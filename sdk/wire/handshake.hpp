// SPDX-License-Identifier: Apache-2.0
/// The first two frames of a client's session: which version both will speak.
///
/// The client offers a range (min, max), the supervisor answers the highest version that both know, or says goodbye
/// with both ranges. Between supervisor and worker there is no negotiation: both come from one build, and the black box
/// carries the version of its layout.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "wire/frame.hpp"

namespace caisson::wire {

struct VersionRange {
    std::uint16_t min = version_min;
    std::uint16_t max = version_max;

    [[nodiscard]] static constexpr VersionRange from(std::uint32_t a) {
        return {static_cast<std::uint16_t>(a & 0xFFFF), static_cast<std::uint16_t>(a >> 16)};
    }
    [[nodiscard]] constexpr std::uint32_t packed() const { return static_cast<std::uint32_t>(max) << 16 | min; }
};

/// The highest version in both ranges.
[[nodiscard]] constexpr std::optional<std::uint16_t> choose_version(VersionRange ours, VersionRange theirs) {
    const auto highest = std::min(ours.max, theirs.max);
    if (highest < std::max(ours.min, theirs.min)) return std::nullopt;
    return highest;
}

}  // namespace caisson::wire
