// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

#include "base/text.hpp"

namespace caisson {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

/// What is written for a unit that people know by another name.
struct Slip {
    std::string_view written;
    std::string_view meant;
};

/// One kind of quantity: its units, smallest first, and how errors speak of it.
struct Quantity {
    std::string_view what;
    std::string_view too_much;
    std::string_view example;
    std::uint64_t max;
    std::span<const Unit> units;
    std::span<const Slip> slips;
};

constexpr Unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000},
};
constexpr Slip duration_slips[] = {
    {"m", "min"},  {"mins", "min"}, {"minute", "min"}, {"minutes", "min"},     {"sec", "s"},
    {"secs", "s"}, {"second", "s"}, {"seconds", "s"},  {"hour", "h"},          {"hours", "h"},
    {"hr", "h"},   {"day", "d"},    {"days", "d"},     {"msec", "ms"},         {"M", "min"},
    {"S", "s"},    {"H", "h"},      {"D", "d"},        {"milliseconds", "ms"},
};
/// From one unit of size to the next.
constexpr std::uint64_t step = 1024;
constexpr Unit size_units[] = {
    {"B", 1}, {"KiB", step}, {"MiB", step* step}, {"GiB", step* step* step}, {"TiB", step* step* step* step},
};
constexpr Slip size_slips[] = {
    {"b", "B"},     {"bytes", "B"}, {"k", "KiB"},   {"K", "KiB"},  {"kB", "KiB"}, {"KB", "KiB"},  {"kb", "KiB"},
    {"kib", "KiB"}, {"kiB", "KiB"}, {"Kib", "KiB"}, {"m", "MiB"},  {"M", "MiB"},  {"MB", "MiB"},  {"mb", "MiB"},
    {"mib", "MiB"}, {"Mib", "MiB"}, {"g", "GiB"},   {"G", "GiB"},  {"GB", "GiB"}, {"gb", "GiB"},  {"gib", "GiB"},
    {"Gib", "GiB"}, {"t", "TiB"},   {"T", "TiB"},   {"TB", "TiB"}, {"tb", "TiB"}, {"tib", "TiB"},
};

constexpr Quantity durations{"duration",     "longer than any clock counts",
                             "30s",          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
                             duration_units, duration_slips};
constexpr Quantity sizes{
    "size", "more than any machine has", "64MiB", std::numeric_limits<std::uint64_t>::max(), size_units, size_slips};

bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

std::string example_of(const Quantity& quantity) {
    return "write a whole number and its unit, such as " + in_quotes(quantity.example);
}

std::string names_of(const Quantity& quantity) {
    std::string names;
    for (const Unit& unit : quantity.units) {
        if (!names.empty()) names += &unit == &quantity.units.back() ? " and " : ", ";
        names += unit.name;
    }
    return names;
}

std::unexpected<Error> wrong_unit(const Quantity& quantity, std::string_view text, std::string_view digits,
                                  std::string_view unit) {
    for (const Slip& slip : quantity.slips)
        if (slip.written == unit)
            return fail(in_quotes(text) + " has an unknown unit, " + in_quotes(unit),
                        "did you mean " + in_quotes(std::string{digits} + std::string{slip.meant}) + "?");
    if (unit.front() == '.' || unit.front() == ',')
        return fail(in_quotes(text) + " is not a whole number",
                    "use a smaller unit, such as " + in_quotes(quantity.units.front().name));
    // "1h30min": nothing but digits and units. One of them alone says the same.
    if (std::ranges::any_of(unit, is_digit))
        return fail(in_quotes(text) + " is more than one number and one unit", example_of(quantity));
    return fail(in_quotes(text) + " has an unknown unit, " + in_quotes(unit), "the units are " + names_of(quantity));
}

/// The number and the unit of `text`, multiplied.
Result<std::uint64_t> parse(const Quantity& quantity, std::string_view text) {
    if (text.empty()) return fail("an empty text is no " + std::string{quantity.what}, example_of(quantity));
    if (text.front() == '-') return fail(in_quotes(text) + " is negative", example_of(quantity));
    const auto digits_end = std::ranges::find_if_not(text, is_digit);
    const std::string_view digits{text.begin(), digits_end};
    if (digits.empty()) return fail(in_quotes(text) + " does not start with a number", example_of(quantity));

    std::string_view unit_name = text.substr(digits.size());
    if (unit_name.size() > 1 && unit_name.front() == ' ') unit_name.remove_prefix(1);

    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool too_big = error == std::errc::result_out_of_range;
    if (unit_name.empty()) {
        if (number == 0 && !too_big) return 0;
        return fail(in_quotes(text) + " has no unit",
                    "write, for example, " + in_quotes(std::string{digits} + std::string{quantity.units[1].name}));
    }
    const auto unit = std::ranges::find(quantity.units, unit_name, &Unit::name);
    if (unit == quantity.units.end()) return wrong_unit(quantity, text, digits, unit_name);
    if (too_big || number > quantity.max / unit->factor)
        return fail(in_quotes(text) + " is " + std::string{quantity.too_much}, "write less");
    return number * unit->factor;
}

/// The number in the largest unit that leaves no remainder.
std::string format(const Quantity& quantity, std::uint64_t amount) {
    if (amount == 0) return "0";
    const Unit* best = &quantity.units.front();
    for (const Unit& unit : quantity.units)
        if (amount % unit.factor == 0) best = &unit;
    return std::to_string(amount / best->factor) + std::string{best->name};
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
    const auto amount_ms = parse(durations, text);
    if (!amount_ms) return std::unexpected(amount_ms.error());
    return std::chrono::milliseconds{static_cast<std::int64_t>(*amount_ms)};
}

Result<std::uint64_t> parse_size(std::string_view text) { return parse(sizes, text); }

std::string format_duration(std::chrono::milliseconds duration) {
    if (duration.count() < 0) return std::to_string(duration.count()) + "ms";
    return format(durations, static_cast<std::uint64_t>(duration.count()));
}

std::string format_size(std::uint64_t bytes) { return format(sizes, bytes); }

}  // namespace caisson
