// SPDX-License-Identifier: Apache-2.0
/// What a program that measures needs: a clock, percentiles, and one JSON object as its output.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

[[noreturn]] inline void give_up(std::string_view why) {
    std::fprintf(stderr, "%s: %.*s\n", program_invocation_short_name, static_cast<int>(why.size()), why.data());
    std::exit(1);
}

[[nodiscard]] inline double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The moment in `seconds` from now, until which a program measures.
[[nodiscard]] inline Clock::time_point end_after(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// The argument at `index` as a positive number.
[[nodiscard]] inline double number(int argc, char** argv, int index, std::string_view usage) {
    const std::string_view text = index < argc ? argv[index] : "";
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value <= 0) give_up("usage: " + std::string{usage});
    return value;
}

/// Microseconds of many runs of the same thing.
class Times {
   public:
    void add(Clock::time_point start, Clock::time_point end) {
        times_us_.push_back(std::chrono::duration<float, std::micro>(end - start).count());
    }
    [[nodiscard]] std::size_t size() const { return times_us_.size(); }
    [[nodiscard]] double percentile(std::size_t percent) {
        if (times_us_.empty()) give_up("the time was too short for one run");
        const auto at = times_us_.begin() +
                        static_cast<std::ptrdiff_t>(std::min(times_us_.size() - 1, times_us_.size() * percent / 100));
        std::ranges::nth_element(times_us_, at);
        return static_cast<double>(*at);
    }

   private:
    std::vector<float> times_us_;
};

/// Numbers by name; printed as one JSON object on one line.
class Report {
   public:
    Report& add(std::string_view name, double value) {
        char text[64];
        std::snprintf(text, sizeof text, "%.9g", value);
        text_.append(text_.empty() ? "{\"" : ",\"").append(name).append("\":").append(text);
        return *this;
    }
    Report& add(Times& times) {
        return add("p50_us", times.percentile(50))
            .add("p99_us", times.percentile(99))
            .add("runs", static_cast<double>(times.size()));
    }
    void print() const { std::printf("%s}\n", text_.c_str()); }

   private:
    std::string text_;
};

}  // namespace bench
