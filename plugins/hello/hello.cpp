// SPDX-License-Identifier: Apache-2.0
/// Prints a number and the process that prints it: what one runs first to see that workers are processes.
#include <unistd.h>

#include <caisson/plugin.hpp>
#include <cinttypes>
#include <cstdint>
#include <cstdio>

namespace {

using caisson::plugin::Json;

Json number(std::int64_t n) {
    const auto pid = static_cast<std::int64_t>(getpid());
    std::printf("number %" PRId64 " from pid %" PRId64 "\n", n, pid);
    std::fflush(stdout);
    return {{"number", n}, {"pid", pid}};
}

}  // namespace

CAISSON_PLUGIN("hello", "1.0.0") { method("number", number).help("prints n and the worker's pid, and returns both"); }
