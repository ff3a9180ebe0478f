// SPDX-License-Identifier: Apache-2.0
/// What a run by chance is told from outside: its seed, and how long it goes.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace caisson::test {

inline std::uint64_t from_environment(const char* name, std::uint64_t fallback) {
    const char* const text = std::getenv(name);
    return text != nullptr && *text != '\0' ? std::strtoull(text, nullptr, 10) : fallback;
}

}  // namespace caisson::test
