// SPDX-License-Identifier: Apache-2.0
/// Waiting for a condition with a deadline: by the event where there is one, else by looking again.
#pragma once

#include <poll.h>

#include <chrono>
#include <ctime>

namespace caisson::test {

using namespace std::chrono_literals;

/// How long a wait may take before its test fails. Nothing is measured by it: a wait ends with its condition, and this
/// only has to be longer than anything that a busy machine makes of it.
#if defined(CAISSON_SANITIZED)
inline constexpr std::chrono::milliseconds patience = 60s;
#else
inline constexpr std::chrono::milliseconds patience = 30s;
#endif

/// Looks until `holds()` is true; false if it was not by the deadline.
template <class Condition>
[[nodiscard]] bool eventually(Condition&& holds, std::chrono::milliseconds deadline = patience) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    while (!holds()) {
        if (std::chrono::steady_clock::now() >= until) return holds();
        constexpr timespec until_next_look{0, 3'000'000};
        ::ppoll(nullptr, 0, &until_next_look, nullptr);
    }
    return true;
}

/// Waits until `descriptor` is readable: of a pidfd, until its process has ended.
[[nodiscard]] inline bool readable_within(int descriptor, std::chrono::milliseconds deadline = patience) {
    pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, static_cast<int>(deadline.count())) == 1;
}

}  // namespace caisson::test
