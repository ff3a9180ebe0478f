// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/sandbox.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace caisson::symbolizer {
namespace {

constexpr rlim_t memory_bytes = rlim_t{2} * 1024 * 1024 * 1024;
constexpr rlim_t processor_time_s = 5;
/// Each module takes a few: the file, its debug file, what that refers to.
constexpr rlim_t files = 256;
/// More than an answer can have.
constexpr rlim_t output_bytes = rlim_t{16} * 1024 * 1024;
/// Also ends a process that waits for input which does not come, or for a file system that does not answer.
constexpr unsigned wall_time_s = 10;

struct Bound {
    __rlimit_resource resource;
    rlim_t most;
};

Result<void> apply(const Bound& bound) {
    rlimit now{};
    if (::getrlimit(bound.resource, &now) != 0) return fail_errno("getrlimit", errno);
    const rlim_t most = std::min(bound.most, now.rlim_max);
    const rlimit wanted{most, most};
    if (::setrlimit(bound.resource, &wanted) != 0) return fail_errno("setrlimit", errno);
    return {};
}

}  // namespace

Result<void> enter_sandbox() {
    // libdw asks a debuginfod server if it is told of one: slow, and nobody asked for it.
    ::unsetenv("DEBUGINFOD_URLS");
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return fail_errno("prctl PR_SET_NO_NEW_PRIVS", errno);
    std::signal(SIGALRM, SIG_DFL);
    ::alarm(wall_time_s);
    const Bound bounds[] = {
#ifndef CAISSON_SANITIZED
        {RLIMIT_AS, memory_bytes},
#endif
        {RLIMIT_CPU, processor_time_s}, {RLIMIT_NOFILE, files}, {RLIMIT_CORE, 0}, {RLIMIT_FSIZE, output_bytes},
    };
    for (const Bound& bound : bounds) {
        if (auto done = apply(bound); !done) return done;
    }
    return {};
}

}  // namespace caisson::symbolizer
