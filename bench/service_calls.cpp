// SPDX-License-Identifier: Apache-2.0
/// What a tiny call through a running service costs a C++ client: one after the other, and many under way.
///
///     bench_service_calls CALLS WINDOW ROUND_TRIPS
///
/// Finds the service as every client does (CAISSON_SOCKET), checks every answer, and prints one JSON object.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <client/client.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "wire/codec.hpp"

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr std::string_view target = "math.square";
constexpr std::string_view input = "12";
constexpr std::string_view answer = "144";
constexpr auto patience = 30s;

[[noreturn]] void give_up(std::string_view why) {
    std::fprintf(stderr, "bench_service_calls: %.*s\n", static_cast<int>(why.size()), why.data());
    std::exit(1);
}

template <typename T>
T good(std::expected<T, caisson::ClientError> result) {
    if (!result) give_up(result.error().message);
    return std::move(*result);
}

caisson::CallRequest request() { return {.target = target, .body = caisson::wire::bytes_of(input)}; }

void check(const caisson::CallResult& result) {
    if (result.outcome != caisson::Outcome::ok) give_up(result.message);
    if (result.output != answer) give_up("wrong answer: " + result.output);
}

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Seconds for `calls` calls of which at most `window` are under way.
double pipelined(caisson::Client& client, std::uint64_t calls, std::uint64_t window) {
    std::uint64_t asked = 0;
    std::uint64_t answered = 0;
    const auto start = Clock::now();
    while (answered < calls) {
        // Topped up by halves: a write then carries many calls, and the service is never without.
        if (asked < calls && client.outstanding() <= window / 2)
            for (; asked < calls && client.outstanding() < window; ++asked) good(client.submit(request()));
        const auto event = good(client.next(patience));
        if (!event) give_up("no answer in time");
        if (const auto* done = std::get_if<caisson::Done>(&*event)) {
            check(done->result);
            ++answered;
        }
    }
    return seconds_since(start);
}

/// Microseconds of each of `calls` calls that wait for one another, sorted.
std::vector<double> round_trips(caisson::Client& client, std::uint64_t calls) {
    std::vector<double> times_us;
    times_us.reserve(calls);
    while (times_us.size() < calls) {
        const auto start = Clock::now();
        check(good(client.call(request())));
        times_us.push_back(seconds_since(start) * 1e6);
    }
    std::ranges::sort(times_us);
    return times_us;
}

double percentile(const std::vector<double>& sorted, std::size_t percent) {
    return sorted.empty() ? 0 : sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

std::uint64_t positive(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number == 0)
        give_up("usage: bench_service_calls CALLS WINDOW ROUND_TRIPS");
    return number;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) give_up("usage: bench_service_calls CALLS WINDOW ROUND_TRIPS");
    const auto calls = positive(argv[1]);
    const auto window = positive(argv[2]);
    const auto trips = positive(argv[3]);

    auto client = good(caisson::Client::connect());
    round_trips(client, 200);  // memory, caches and the service's measure of the method settle
    const auto times_us = round_trips(client, trips);
    pipelined(client, std::min<std::uint64_t>(calls, 10'000), window);
    const double seconds = pipelined(client, calls, window);
    std::printf(R"({"calls":%llu,"window":%llu,"calls_per_s":%.0f,"round_trips":%llu,"p50_us":%.1f,"p99_us":%.1f})"
                "\n",
                static_cast<unsigned long long>(calls), static_cast<unsigned long long>(window),
                static_cast<double>(calls) / seconds, static_cast<unsigned long long>(trips), percentile(times_us, 50),
                percentile(times_us, 99));
}
