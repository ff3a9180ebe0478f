// SPDX-License-Identifier: Apache-2.0
#include "host/enforce.hpp"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <optional>
#include <system_error>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/landlock.hpp"

namespace caisson::host {
namespace {

std::string words_of(int error) { return std::generic_category().message(error); }

/// The first line of a small file; nothing if it cannot be read.
std::optional<std::string> line_of(const std::string& path) {
    std::ifstream file{path};
    std::string line;
    if (!file || !std::getline(file, line)) return std::nullopt;
    return line;
}

/// Runs a probe in a child that ends with it: 0, or the errno of what failed.
int in_child(int (*probe)()) {
    const pid_t child = ::fork();
    if (child < 0) return errno;
    if (child == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
        ::_exit(probe());
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return errno;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

int errno_unless(bool done) { return done ? 0 : errno; }

// Each probe of a child's own.

int try_landlock_scopes() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) != 0) return errno;
    const auto entered = enter_landlock_scopes();
    if (!entered) return entered.error().number != 0 ? entered.error().number : EIO;
    return *entered ? 0 : ENOSYS;
}
int try_no_new_privileges() { return errno_unless(::prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) == 0); }
int try_user_namespace() { return errno_unless(::unshare(CLONE_NEWUSER) == 0); }
int try_pid_namespace() {
    if (::unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) return errno;
    // Only a child of this process is in the new namespace.
    const pid_t first = ::fork();
    if (first < 0) return errno;
    if (first == 0) ::_exit(::getpid() == 1 ? 0 : EIO);
    int status = 0;
    ::waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}
int try_close_range() { return errno_unless(::close_range(3, ~0U, 0) == 0); }

Capability from_errno(std::string_view name, int error, std::string detail, std::string_view purpose) {
    return {name, error == 0, error == 0 ? std::move(detail) : words_of(error), purpose};
}

// Landlock, privileges, namespaces, filters.

Capability landlock() {
    const int abi = landlock_abi();
    return {"landlock", abi > 0, abi > 0 ? cat("version ", abi) : "the kernel has none, or has it switched off",
            "keeps a worker from ptrace and /proc of the others; file rules in strict isolation"};
}

Capability landlock_scopes() {
    constexpr std::string_view purpose = "keeps a worker from signalling the supervisor and other workers";
    const int abi = landlock_abi();
    if (abi < landlock_abi_with_scopes) {
        return {"landlock scopes", false, cat("needs version ", landlock_abi_with_scopes, ", this is ", abi), purpose};
    }
    return from_errno("landlock scopes", in_child(try_landlock_scopes), "signals and abstract Unix sockets", purpose);
}

Capability no_new_privileges() {
    return from_errno("no_new_privs", in_child(try_no_new_privileges), "works",
                      "a worker gains no rights by running setuid programs");
}

Capability user_namespaces() {
    std::string detail = "works";
    if (const auto most = line_of("/proc/sys/user/max_user_namespaces")) detail = "at most " + *most;
    return from_errno("user namespaces", in_child(try_user_namespace), std::move(detail),
                      "strict isolation without root: the worker is nobody outside");
}

Capability pid_namespaces() {
    return from_errno("pid namespaces", in_child(try_pid_namespace), "works, inside a user namespace",
                      "strict isolation: the worker sees no foreign process, and its whole tree ends with it");
}

Capability seccomp() {
    std::uint32_t action = SECCOMP_RET_ERRNO;
    const bool works = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    return from_errno("seccomp", errno_unless(works), "filters that answer with an error",
                      "strict isolation: system calls that no plugin needs, prlimit on others among them");
}

Capability yama() {
    constexpr std::string_view purpose = "another wall against ptrace; Caisson does not rely on it";
    const auto scope = line_of("/proc/sys/kernel/yama/ptrace_scope");
    if (!scope) return {"yama", false, "not in this kernel", purpose};
    return {"yama", *scope != "0", "ptrace_scope = " + *scope, purpose};
}

// Knowing processes.

/// As in the kernel's <linux/pidfd.h>, 6.13: Debian 12's header has none of it.
struct PidfdInfo {
    std::uint64_t mask = 0;
    std::uint64_t cgroup = 0;
    std::uint32_t ids[11] = {};
    std::int32_t exit_code = 0;
};
static_assert(sizeof(PidfdInfo) == 64);

Capability pidfds() {
    const Fd self{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    return from_errno("pidfd", errno_unless(static_cast<bool>(self)), "works",
                      "names a process so that a reused pid is never hit (required)");
}

Capability pidfd_info() {
    constexpr std::string_view purpose = "tells how a process ended even after somebody else reaped it";
    const Fd self{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))};
    if (!self) return {"pidfd info", false, words_of(errno), purpose};
    PidfdInfo info{.mask = 1};
    const bool works = ::ioctl(self.get(), _IOWR(0xFF, 11, PidfdInfo), &info) == 0;
    return from_errno("pidfd info", errno_unless(works), "PIDFD_GET_INFO", purpose);
}

Capability task_children() {
    const std::string path = cat("/proc/self/task/", ::getpid(), "/children");
    return from_errno("task children", errno_unless(::access(path.c_str(), R_OK) == 0), path,
                      "finds processes that a plugin left behind");
}

// Control groups.

/// Where the version 2 tree is mounted: the fifth field of its line.
std::optional<std::string> cgroup_mount() {
    std::ifstream mounts{"/proc/self/mountinfo"};
    for (std::string line; std::getline(mounts, line);) {
        if (line.find(" - cgroup2 ") == std::string::npos) continue;
        std::size_t begin = 0;
        for (int field = 0; field < 4; ++field) begin = line.find(' ', begin) + 1;
        return line.substr(begin, line.find(' ', begin) - begin);
    }
    return std::nullopt;
}

/// This process's place in it: the line "0::/…".
std::string cgroup_path() {
    std::ifstream file{"/proc/self/cgroup"};
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("0::")) return line.substr(3);
    }
    return "/";
}

Capability cgroups() {
    constexpr std::string_view purpose =
        "ends a worker's whole tree at once; limits of memory and processes per worker";
    const auto mount = cgroup_mount();
    if (!mount) return {"cgroup v2", false, "no version 2 tree is mounted", purpose};
    const std::string path = cgroup_path();
    const std::string place = *mount + (path == "/" ? "" : path);
    const bool writable = ::access((place + "/cgroup.procs").c_str(), W_OK) == 0 && ::access(place.c_str(), W_OK) == 0;
    const std::string controllers = line_of(place + "/cgroup.controllers").value_or("");
    return {"cgroup v2", writable,
            cat(place, writable ? ", writable" : ", not writable for this user",
                "; controllers: ", controllers.empty() ? "none" : controllers),
            purpose};
}

// Files and memory.

Capability memfd_sealing() {
    const Fd memory{::memfd_create("caisson-probe", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    const bool works = memory && ::ftruncate(memory.get(), 4096) == 0 &&
                       ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0;
    return from_errno("memfd sealing", errno_unless(works), "works",
                      "the black box: no worker can shrink it under the supervisor (required)");
}

Capability memfd_exec() {
    constexpr std::string_view purpose =
        "loading a plugin from a sealed copy, so that overwriting its file hurts nobody";
    const auto value = line_of("/proc/sys/vm/memfd_noexec");
    if (!value) return {"executable memfd", true, "this kernel does not restrict it", purpose};
    return {"executable memfd", *value != "2", "vm.memfd_noexec = " + *value, purpose};
}

Capability close_ranges() {
    return from_errno("close_range", in_child(try_close_range), "works", "no file of the supervisor reaches a plugin");
}

Capability core_dumps() {
    constexpr std::string_view purpose = "core dumps of crashed workers, where a pool's limits allow them";
    const auto pattern = line_of("/proc/sys/kernel/core_pattern");
    if (!pattern) return {"core pattern", false, "cannot be read", purpose};
    if (pattern->starts_with('|')) {
        return {"core pattern", true,
                *pattern +
                    ": a program takes every core, and a crashed worker is replaced only "
                    "when it is done; keep limits.core at 0 unless you need them",
                purpose};
    }
    return {"core pattern", true, pattern->empty() ? "empty: no cores are written" : *pattern, purpose};
}

Capability open_files() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    // Five descriptors a worker, and one a client: below this a few dozen workers are the end.
    constexpr rlim_t comfortable = 1024;
    const bool enough = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= comfortable;
    return {"open files", enough,
            limit.rlim_max == RLIM_INFINITY ? "no hard limit" : cat("hard limit ", std::uint64_t{limit.rlim_max}),
            "workers cost the supervisor five descriptors each, clients one"};
}

}  // namespace

std::vector<Capability> probe_host() {
    std::vector<Capability> found;
    for (const auto probe :
         {landlock, landlock_scopes, no_new_privileges, seccomp, yama, user_namespaces, pid_namespaces, cgroups, pidfds,
          pidfd_info, task_children, close_ranges, memfd_sealing, memfd_exec, core_dumps, open_files}) {
        found.push_back(probe());
    }
    return found;
}

}  // namespace caisson::host
