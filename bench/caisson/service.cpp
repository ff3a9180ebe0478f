// SPDX-License-Identifier: Apache-2.0
/// What a running service gives to one client, a program that talks to it through the client library.
///
///     bench_service MEASURE SECONDS
///
/// Finds the service as every client does (CAISSON_SOCKET); its pool `math` has the workers that count.
#include <algorithm>
#include <bit>
#include <caisson/pool.hpp>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../measured.hpp"

using namespace bench;

namespace {

using namespace std::chrono_literals;

constexpr std::string_view usage = "bench_service round_trip|single|batches|tracked SECONDS";
constexpr std::int64_t input = 12;
constexpr std::int64_t answer = 144;
constexpr auto patience = 30s;

template <class T>
T good(std::expected<T, caisson::ClientError> result) {
    if (!result) give_up(result.error().message);
    return std::move(*result);
}

const caisson::CallRequest square{
    .target = "math.square", .body = std::as_bytes(std::span{&input, 1}), .encoding = caisson::BodyEncoding::packed};

void check(std::string_view output) {
    if (output.size() != sizeof answer || std::memcmp(output.data(), &answer, sizeof answer) != 0)
        give_up("a wrong answer");
}
void check(const caisson::CallResult& result) {
    if (result.outcome != caisson::Outcome::ok) give_up(result.message);
    check(result.output);
}

/// Takes the next event, and says how many calls it ended.
std::uint64_t take(caisson::Client& client) {
    const auto event = good(client.next(patience));
    if (!event) give_up("no answer in time");
    if (const auto* items = std::get_if<caisson::Items>(&*event)) {
        for (const auto output : items->outputs) check(output);
        return items->outputs.size();
    }
    const auto* done = std::get_if<caisson::Done>(&*event);
    if (done == nullptr) return 0;
    check(done->result);
    return done->count;
}

Report round_trip(double seconds) {
    auto client = good(caisson::Client::connect());
    for (int i = 0; i < 500; ++i) check(good(client.call(square)));
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        const auto start = Clock::now();
        check(good(client.call(square)));
        times.add(start, Clock::now());
    }
    return Report{}.add(times);
}

/// Calls per second with at most `window` under way; `submit` makes some and says how many. Half of the window is
/// topped up at once: a write then carries many calls, and the service is never without.
template <class Submit>
Report pipelined(double seconds, std::size_t window, Submit submit) {
    auto client = good(caisson::Client::connect());
    const auto run_until = [&](Clock::time_point end) {
        std::uint64_t answered = 0;
        while (Clock::now() < end) {
            if (client.outstanding() <= window / 2)
                while (client.outstanding() < window) submit(client);
            answered += take(client);
        }
        while (client.outstanding() > 0) answered += take(client);
        return answered;
    };
    run_until(end_after(seconds / 10));
    const auto start = Clock::now();
    const auto answered = run_until(end_after(seconds));
    return Report{}.add("per_s", static_cast<double>(answered) / seconds_since(start));
}

/// Each call is a frame of its own.
Report single(double seconds) {
    return pipelined(seconds, 1024, [](caisson::Client& client) { good(client.submit(square)); });
}

/// Calls travel together, and each has its own outcome.
Report batches(double seconds) {
    caisson::Batch batch;
    while (batch.size() < 1024)
        if (!batch.add(square.body)) give_up("a batch took no 1024 items");
    return pipelined(seconds, 8192, [&batch](caisson::Client& client) { good(client.submit(square, batch)); });
}

/// The pool of a service as caisson::Pool, each item with an outcome of its own.
Report tracked(double seconds) {
    const auto service = caisson::connect();
    auto pool = service.pool("math");
    const std::vector<std::int64_t> numbers(100'000, input);
    const auto run = [&] {
        const auto right = [](const auto& result) { return result && *result == answer; };
        if (!std::ranges::all_of(pool.try_map<std::int64_t>("square", numbers), right)) give_up("a wrong answer");
    };
    run();
    std::size_t runs = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++runs) run();
    return Report{}.add("per_s", static_cast<double>(runs * numbers.size()) / seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
    const std::map<std::string_view, Report (*)(double)> measures{
        {"round_trip", round_trip}, {"single", single}, {"batches", batches}, {"tracked", tracked}};
    const auto measure = measures.find(argc > 1 ? argv[1] : "");
    if (measure == measures.end()) give_up("usage: " + std::string{usage});
    measure->second(number(argc, argv, 2, usage)).print();
}
