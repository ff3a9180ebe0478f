// SPDX-License-Identifier: Apache-2.0
#include "cli/top/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/text.hpp"
#include "cli/words.hpp"

namespace caisson::cli::top {
namespace {

std::string whole(double number) { return cat(static_cast<std::int64_t>(std::llround(number))); }

// One decimal while it says something.
std::string brief(double number) { return number < 9.95 ? one_decimal(number) : whole(number); }

std::string two_digits(std::int64_t number) { return cat(number < 10 ? "0" : "", number); }

std::string minutes_and_more(std::int64_t time_s) {
    if (time_s < 3600) return cat(time_s / 60, 'm', two_digits(time_s % 60), 's');
    if (time_s < 86400) return cat(time_s / 3600, 'h', two_digits(time_s % 3600 / 60), 'm');
    if (time_s < 100 * 86400) return cat(time_s / 86400, 'd', two_digits(time_s % 86400 / 3600), 'h');
    return cat(time_s / 86400, 'd');
}

}  // namespace

std::string short_time(double time_s) {
    // Each limit is where rounding would reach the next unit.
    if (!(time_s > 0)) return "0s";
    if (time_s < 0.9995e-3) return whole(time_s * 1e6) + "us";
    if (time_s < 0.9995) return brief(time_s * 1e3) + "ms";
    if (time_s < 59.95) return one_decimal(time_s) + "s";
    return minutes_and_more(static_cast<std::int64_t>(std::min(std::round(time_s), 1e15)));
}

std::string short_rate(double per_s) {
    if (!(per_s > 0)) return "0";
    if (per_s < 9.95) return one_decimal(per_s);
    if (per_s < 99'999.5) return grouped(static_cast<std::uint64_t>(std::llround(per_s)));
    if (per_s < 999'500) return whole(per_s / 1e3) + "k";
    return brief(std::min(per_s / 1e6, 1e12)) + "M";
}

std::string short_size(std::int64_t bytes) {
    constexpr std::array<std::string_view, 5> units{"B", "K", "M", "G", "T"};
    if (bytes < 1024) return cat(std::max<std::int64_t>(bytes, 0), 'B');
    auto amount = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; amount >= 1023.5 && unit + 1 < units.size(); ++unit) amount /= 1024;
    return cat(brief(amount), units[unit]);
}

std::string short_count(std::int64_t number) {
    if (number < 0) return cat(number);
    if (number < 10'000'000) return grouped(static_cast<std::uint64_t>(number));
    const auto amount = static_cast<double>(number);
    if (amount < 9.995e8) return one_decimal(amount / 1e6) + "M";
    return one_decimal(amount / 1e9) + "G";
}

}  // namespace caisson::cli::top
