// SPDX-License-Identifier: Apache-2.0
/// Figures in few columns, for a table that has to fit a small terminal.
#pragma once

#include <cstdint>
#include <string>

namespace caisson::cli::top {

/// "850us", "1.2ms", "12.3s", "4m10s", "2h05m", "3d04h": at most six columns up to 99 days.
[[nodiscard]] std::string short_time(double time_s);
/// "0", "3.5", "12,345", "123k", "1.2M".
[[nodiscard]] std::string short_rate(double per_s);
/// "512B", "1.2M", "1023M".
[[nodiscard]] std::string short_size(std::int64_t bytes);
/// "1,234,567", then "12.3M".
[[nodiscard]] std::string short_count(std::int64_t number);

}  // namespace caisson::cli::top
