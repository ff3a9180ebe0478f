// SPDX-License-Identifier: Apache-2.0
#include "cli/words.hpp"

#include <charconv>

#include "base/text.hpp"

namespace caisson::cli {
namespace {

// The second unit only where it says something.
std::string two_units(std::int64_t large, std::string_view large_unit, std::int64_t small,
                      std::string_view small_unit) {
    if (small == 0) return cat(large, ' ', large_unit);
    return cat(large, ' ', large_unit, ' ', small, ' ', small_unit);
}

}  // namespace

std::string age(std::int64_t age_s) {
    if (age_s < 0) age_s = 0;
    if (age_s < 60) return cat(age_s, " s");
    if (age_s < 3600) return two_units(age_s / 60, "min", age_s % 60, "s");
    if (age_s < 86400) return two_units(age_s / 3600, "h", age_s % 3600 / 60, "min");
    return two_units(age_s / 86400, "d", age_s % 86400 / 3600, "h");
}

std::string grouped(std::uint64_t number) {
    std::string out = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
        out.insert(static_cast<std::size_t>(at), 1, ',');
    return out;
}

std::string one_decimal(double number) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed, 1).ptr;
    return {digits, end};
}

std::string counted(std::uint64_t number, std::string_view noun) {
    return cat(grouped(number), ' ', noun, number == 1 ? "" : "s");
}

}  // namespace caisson::cli
