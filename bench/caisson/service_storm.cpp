// SPDX-License-Identifier: Apache-2.0
/// Crashes the pool `chaos` of a running service as fast as it can be crashed, until its input ends.
///
///     bench_service_storm
#include <poll.h>
#include <unistd.h>

#include <caisson/client.hpp>
#include <utility>

#include "../measured.hpp"

using namespace bench;

namespace {

constexpr std::size_t window = 8;

template <class T>
T good(std::expected<T, caisson::ClientError> result) {
    if (!result) give_up(result.error().message);
    return std::move(*result);
}

bool input_ended() {
    pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    return poll(&input, 1, 0) > 0;
}

}  // namespace

int main() {
    auto client = good(caisson::Client::connect());
    std::uint64_t crashes = 0;
    const auto start = Clock::now();
    while (!input_ended()) {
        while (client.outstanding() < window) good(client.submit({.target = "chaos.segv"}));
        const auto event = good(client.next(std::chrono::milliseconds{100}));
        if (!event) continue;
        if (const auto* done = std::get_if<caisson::Done>(&*event)) {
            if (done->result.outcome != caisson::Outcome::crashed) give_up(done->result.message);
            ++crashes;
        }
    }
    Report{}.add("per_s", static_cast<double>(crashes) / seconds_since(start)).print();
}
