// SPDX-License-Identifier: Apache-2.0
/// What an embedded pool of two workers gives to its program.
///
///     bench_embedded MEASURE SECONDS
#include <algorithm>
#include <caisson/pool.hpp>
#include <deque>
#include <functional>
#include <map>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

#include "../measured.hpp"

using namespace bench;

namespace {

constexpr std::string_view usage = "bench_embedded round_trip|tracked|futures|map|imap|echo SECONDS";
constexpr int workers = 2;

using Numbers = std::vector<std::int64_t>;

Numbers numbers_up_to(std::int64_t last) {
    Numbers numbers(static_cast<std::size_t>(last));
    std::iota(numbers.begin(), numbers.end(), 1);
    return numbers;
}

void expect_squares(const Numbers& numbers, const Numbers& squares) {
    const auto is_square = [](std::int64_t n, std::int64_t square) { return n * n == square; };
    if (!std::ranges::equal(numbers, squares, is_square)) give_up("a wrong answer");
}

/// One call after the other.
Report round_trip(double seconds) {
    caisson::Pool pool{{.plugin = "math", .workers = workers}};
    const auto call = [&pool] {
        if (pool.apply<std::int64_t>("square", std::int64_t{12}) != 144) give_up("a wrong answer");
    };
    for (int i = 0; i < 500; ++i) call();
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        const auto start = Clock::now();
        call();
        times.add(start, Clock::now());
    }
    return Report{}.add(times);
}

/// Items per second of `run`, which does `items` of them, after it has run once.
Report rate(double seconds, std::size_t items, const std::function<void()>& run) {
    run();
    std::size_t runs = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++runs) run();
    return Report{}.add("per_s", static_cast<double>(runs * items) / seconds_since(start));
}

/// Each item has an outcome of its own.
Report tracked(double seconds) {
    caisson::Pool pool{{.plugin = "math", .workers = workers}};
    const auto numbers = numbers_up_to(100'000);
    return rate(seconds, numbers.size(), [&] {
        const auto squares = pool.try_map<std::int64_t>("square", numbers);
        const auto right = [](std::int64_t n, const auto& square) { return square && *square == n * n; };
        if (!std::ranges::equal(numbers, squares, right)) give_up("a wrong answer");
    });
}

/// Each item has a future of its own.
Report futures(double seconds) {
    constexpr std::size_t window = 1024;
    caisson::Pool pool{{.plugin = "math", .workers = workers}};
    const auto numbers = numbers_up_to(50'000);
    return rate(seconds, numbers.size(), [&] {
        Numbers squares;
        squares.reserve(numbers.size());
        std::deque<caisson::Future<std::int64_t>> under_way;
        const auto take = [&] {
            squares.push_back(under_way.front().get());
            under_way.pop_front();
        };
        for (const auto number : numbers) {
            // Topped up by halves, so that calls travel together.
            if (under_way.size() == window)
                while (under_way.size() > window / 2) take();
            under_way.push_back(pool.apply_async<std::int64_t>("square", number));
        }
        while (!under_way.empty()) take();
        expect_squares(numbers, squares);
    });
}

/// The whole list, the first failure ends it.
Report map(double seconds) {
    caisson::Pool pool{{.plugin = "math", .workers = workers}};
    const auto numbers = numbers_up_to(2'000'000);
    return rate(seconds, numbers.size(), [&] { expect_squares(numbers, pool.map<std::int64_t>("square", numbers)); });
}

Report imap(double seconds) {
    caisson::Pool pool{{.plugin = "math", .workers = workers}};
    const auto numbers = numbers_up_to(100'000);
    return rate(seconds, numbers.size(), [&] {
        Numbers squares;
        squares.reserve(numbers.size());
        for (const auto square : pool.imap<std::int64_t>("square", numbers, {.look_ahead = 2048}))
            squares.push_back(square);
        expect_squares(numbers, squares);
    });
}

/// The plugin that hands back its body with the fewest copies: `text` where it can, else `chaos`.
std::string plugin_with_echo() {
    const caisson::Pool text{{.plugin = "text", .workers = 1}};
    const bool can = std::ranges::any_of(text.methods(), [](const auto& method) { return method.name == "echo"; });
    return can ? "text" : CAISSON_BENCH_CHAOS;
}

/// 1 MiB there and back, one after the other; counts the bytes of both ways, and looks at every page.
Report echo(double seconds) {
    constexpr std::size_t size = std::size_t{1024} * 1024;
    caisson::Pool pool{{.plugin = plugin_with_echo(), .workers = workers}};
    const std::vector<std::byte> body(size, std::byte{'x'});
    const auto call = [&] {
        const auto result = pool.call("echo", body);
        const auto bytes = result.bytes();
        if (bytes.size() != size) give_up("wrong bytes: " + result.message);
        for (std::size_t at = 0; at < size; at += 4096)
            if (bytes[at] != 'x') give_up("wrong bytes");
    };
    for (int i = 0; i < 10; ++i) call();
    std::size_t turns = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++turns) call();
    return Report{}.add("bytes_per_s", static_cast<double>(turns * 2 * size) / seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string_view, Report (*)(double)> measures{{"round_trip", round_trip},
                                                                  {"tracked", tracked},
                                                                  {"futures", futures},
                                                                  {"map", map},
                                                                  {"imap", imap},
                                                                  {"echo", echo}};
    const auto measure = measures.find(argc > 1 ? argv[1] : "");
    if (measure == measures.end()) give_up("usage: " + std::string{usage});
    measure->second(number(argc, argv, 2, usage)).print();
}
