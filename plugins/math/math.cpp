// SPDX-License-Identifier: Apache-2.0
/// Arithmetic: tiny methods that show what a call costs, and one that works for its result.
#include <algorithm>
#include <caisson/plugin.hpp>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using caisson::plugin::Call;
using caisson::plugin::Error;
using caisson::plugin::Json;
using caisson::plugin::Status;

[[noreturn]] void refuse(const std::string& why) { throw Error{Status::invalid_argument, why}; }

std::int64_t product(std::int64_t a, std::int64_t b) {
    std::int64_t result = 0;
    if (__builtin_mul_overflow(a, b, &result)) refuse("the result does not fit into int64");
    return result;
}

std::int64_t square(std::int64_t n) { return product(n, n); }

void expect_number(const Json& value) {
    if (!value.is_number()) refuse(std::string{"expected numbers, got one "} + value.type_name());
}

/// Whole numbers are exact as far as int64 goes; anything else is computed in float64.
bool whole(const Json& value) {
    return value.is_number_integer() && (!value.is_number_unsigned() || value.get<std::uint64_t>() <= INT64_MAX);
}

Json finite(double value) {
    if (!std::isfinite(value)) refuse("the result is not a finite number");
    return value;
}

std::int64_t whole_power(std::int64_t base, std::int64_t exponent) {
    std::int64_t result = 1;
    while (true) {
        if ((exponent & 1) != 0) result = product(result, base);
        exponent >>= 1;
        if (exponent == 0) return result;
        base = product(base, base);
    }
}

Json power(const Json& base, const Json& exponent) {
    expect_number(base);
    expect_number(exponent);
    if (whole(base) && whole(exponent) && exponent.get<std::int64_t>() >= 0)
        return whole_power(base.get<std::int64_t>(), exponent.get<std::int64_t>());
    return finite(std::pow(base.get<double>(), exponent.get<double>()));
}

Json sum(const std::vector<Json>& numbers) {
    std::ranges::for_each(numbers, expect_number);
    if (!std::ranges::all_of(numbers, whole)) {
        double total = 0;
        for (const Json& number : numbers) total += number.get<double>();
        return finite(total);
    }
    std::int64_t total = 0;
    for (const Json& number : numbers)
        if (__builtin_add_overflow(total, number.get<std::int64_t>(), &total))
            refuse("the result does not fit into int64");
    return total;
}

/// Segments keep the sieve in the processor's cache, and give a place to look for a cancellation.
constexpr std::uint64_t segment_numbers = 1 << 18;
constexpr std::uint64_t segments_per_report = 64;
constexpr std::uint64_t largest_bound = 100'000'000'000;

std::vector<std::uint64_t> primes_up_to(std::uint64_t last) {
    std::vector<bool> composite(last + 1);
    std::vector<std::uint64_t> primes;
    for (std::uint64_t n = 2; n <= last; ++n) {
        if (composite[n]) continue;
        primes.push_back(n);
        for (std::uint64_t multiple = n * n; multiple <= last; multiple += n) composite[multiple] = true;
    }
    return primes;
}

std::uint64_t primes_in(std::uint64_t begin, std::uint64_t end, const std::vector<std::uint64_t>& divisors) {
    std::vector<char> composite(end - begin);
    for (const std::uint64_t divisor : divisors) {
        const auto first = std::max(divisor * divisor, (begin + divisor - 1) / divisor * divisor);
        for (std::uint64_t multiple = first; multiple < end; multiple += divisor) composite[multiple - begin] = 1;
    }
    return static_cast<std::uint64_t>(std::ranges::count(composite, 0));
}

std::uint64_t primes(std::uint64_t bound, Call& call) {
    if (bound > largest_bound) refuse("the bound is over " + std::to_string(largest_bound));
    if (bound <= 2) return 0;
    const auto divisors = primes_up_to(static_cast<std::uint64_t>(std::sqrt(static_cast<double>(bound))) + 1);
    std::uint64_t count = 0;
    std::uint64_t segment = 0;
    for (std::uint64_t begin = 2; begin < bound; begin += segment_numbers) {
        call.check_cancelled();
        count += primes_in(begin, std::min(begin + segment_numbers, bound), divisors);
        if (++segment % segments_per_report == 0)
            call.progress(static_cast<double>(begin) / static_cast<double>(bound), std::to_string(count) + " found");
    }
    return count;
}

}  // namespace

CAISSON_PLUGIN("math", "1.0.0") {
    method("square", square).help("n times n").idempotent();
    method("pow", power).help("[base, exponent]: base to the power of exponent").idempotent();
    method("sum", sum).help("the sum of an array of numbers").idempotent();
    method("primes", primes).help("how many primes are below n").idempotent();
}
