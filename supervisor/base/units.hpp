// SPDX-License-Identifier: Apache-2.0
/// Durations and sizes as people write them: "500ms", "2s", "64KiB", with a unit always, for a bare 30 says nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace caisson {

/// "500ms", "2s", "5min", "1h", "7d" or "0": a whole number and its unit.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// "100B", "64KiB", "4MiB", "1GiB", "1TiB" or "0": a whole number and its unit, which counts in 1024s.
[[nodiscard]] Result<std::uint64_t> parse_size(std::string_view text);

/// The shortest text that parses to the same: "90s", "1h", "0".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds duration);
[[nodiscard]] std::string format_size(std::uint64_t bytes);

}  // namespace caisson
