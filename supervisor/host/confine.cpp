// SPDX-License-Identifier: Apache-2.0
#include "host/confine.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <string>

#include "base/fd.hpp"
#include "host/descriptors.hpp"
#include "host/ending.hpp"
#include "host/landlock.hpp"

namespace caisson::host {
namespace {

/// Written to oom_score_adj: when the machine runs out of memory, a worker goes before the supervisor does.
constexpr std::string_view oom_score = "500";

Result<void> control(const char* what, int option, unsigned long value) {
    if (::prctl(option, value, 0UL, 0UL, 0UL) != 0) return fail_errno(std::string{"prctl "} + what, errno);
    return {};
}

Result<void> own_session(const Setup&, pid_t) {
    if (::getsid(0) == ::getpid()) return {};
    if (::setsid() < 0) return fail_errno("setsid", errno);
    return {};
}

Result<void> die_with_keeper(const Setup&, pid_t keeper) {
    auto armed = control("PR_SET_PDEATHSIG", PR_SET_PDEATHSIG, SIGKILL);
    // A keeper that died before the line above sends no signal any more.
    if (armed && ::getppid() != keeper) end_at_once(ExitCode::supervisor_gone, "the keeper has gone before the start");
    return armed;
}

Result<void> adopt_orphans(const Setup&, pid_t) { return control("PR_SET_CHILD_SUBREAPER", PR_SET_CHILD_SUBREAPER, 1); }

Result<void> clean_signals(const Setup&, pid_t) {
    sigset_t none;
    sigemptyset(&none);
    if (::sigprocmask(SIG_SETMASK, &none, nullptr) != 0) return fail_errno("sigprocmask", errno);
    return {};
}

Result<void> only_own_files(const Setup& setup, pid_t) {
    const int first_foreign_descriptor = setup.zygote ? copy_descriptor + 1 : copy_descriptor;
    if (!setup.image) ::close(library_descriptor);
    if (::close_range(static_cast<unsigned>(first_foreign_descriptor), ~0U, 0) != 0) {
        if (errno != ENOSYS && errno != EPERM) return fail_errno("close_range", errno);
        // A kernel or a container's filter without close_range.
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        const int end = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 65'536));
        for (int number = first_foreign_descriptor; number < end; ++number) ::close(number);
    }
    for (int number = 3; number < first_foreign_descriptor; ++number) {
        // The black box's descriptor is closed by now: it is mapped.
        if (::fcntl(number, F_SETFD, FD_CLOEXEC) != 0 && errno != EBADF) return fail_errno("fcntl F_SETFD", errno);
    }
    ::umask(077);
    // Whole lines, so that what a plugin printed before its crash is in the report.
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    return {};
}

Result<void> limit(const char* name, __rlimit_resource resource, std::uint64_t most) {
    rlimit now{};
    if (::getrlimit(resource, &now) != 0) return fail_errno(std::string{"getrlimit "} + name, errno);
    const rlim_t value = std::min<rlim_t>(most, now.rlim_max);
    const rlimit wanted{value, value};
    if (::setrlimit(resource, &wanted) != 0) return fail_errno(std::string{"setrlimit "} + name, errno);
    return {};
}

Result<void> limit_resources(const Limits& limits) {
    struct Entry {
        const char* name;
        __rlimit_resource resource;
        std::uint64_t most;
        bool applies;
    };
#ifdef CAISSON_SANITIZED
    // A sanitizer's shadow memory alone is larger than any sensible limit.
    constexpr bool limit_memory = false;
#else
    constexpr bool limit_memory = true;
#endif
    const Entry entries[] = {
        {"RLIMIT_DATA", RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes > 0 && limit_memory},
        {"RLIMIT_NOFILE", RLIMIT_NOFILE, limits.files, limits.files > 0},
        {"RLIMIT_NPROC", RLIMIT_NPROC, limits.processes, limits.processes > 0},
        {"RLIMIT_FSIZE", RLIMIT_FSIZE, limits.file_size_bytes, limits.file_size_bytes > 0},
        {"RLIMIT_CORE", RLIMIT_CORE, limits.core_bytes, true},
    };
    for (const Entry& entry : entries) {
        if (!entry.applies) continue;
        if (auto done = limit(entry.name, entry.resource, entry.most); !done) return done;
    }
    return {};
}

void volunteer_for_oom() {
    const Fd file{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)};
    // Where /proc is missing or read-only the kernel chooses by size alone.
    [[maybe_unused]] const ssize_t ignored = file ? ::write(file.get(), oom_score.data(), oom_score.size()) : 0;
}

Result<void> raise_walls() {
    // First: once the process is not dumpable, its files under /proc belong to root.
    volunteer_for_oom();
    if (auto done = control("PR_SET_NO_NEW_PRIVS", PR_SET_NO_NEW_PRIVS, 1); !done) return done;
    if (auto done = control("PR_SET_DUMPABLE", PR_SET_DUMPABLE, 0); !done) return done;
    if (auto done = enter_landlock_scopes(); !done) return std::unexpected(done.error());
    return {};
}

}  // namespace

Result<void> confine(const Setup& setup, pid_t keeper) {
    for (const auto step : {own_session, die_with_keeper, adopt_orphans, clean_signals, only_own_files}) {
        if (auto done = step(setup, keeper); !done) return done;
    }
    if (auto done = limit_resources(setup.limits); !done) return done;
    return setup.isolation == Isolation::none ? Result<void>{} : raise_walls();
}

}  // namespace caisson::host
