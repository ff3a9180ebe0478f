// SPDX-License-Identifier: Apache-2.0
#include "base/system.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <utility>

#include "base/text.hpp"

namespace caisson::sys {

Result<std::pair<Fd, Fd>> socket_pair(int type) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) return fail_errno("socketpair", errno);
    return std::pair{Fd{ends[0]}, Fd{ends[1]}};
}

Result<std::pair<Fd, Fd>> pipe() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno("pipe", errno);
    return std::pair{Fd{ends[0]}, Fd{ends[1]}};
}

Result<void> set_nonblocking(int descriptor) {
    const int flags = ::fcntl(descriptor, F_GETFL);
    if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) return fail_errno("fcntl", errno);
    return {};
}

Result<Fd> sealed_memory(const char* name, std::size_t bytes) {
    Fd memory{::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) return fail_errno("memfd_create", errno);
    if (::ftruncate(memory.get(), static_cast<off_t>(bytes)) != 0) return fail_errno("ftruncate of a memfd", errno);
    if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail_errno("sealing a memfd", errno);
    return memory;
}

Result<void> check_sealed(const Fd& memory, std::uint64_t bytes) {
    if (!memory) return fail("a memfd that did not come with it");
    const int seals = ::fcntl(memory.get(), F_GET_SEALS);
    if (seals < 0) return fail("a descriptor that is no memfd");
    constexpr int needed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if ((seals & needed) != needed)
        return fail("a memfd that is not sealed", "seal it with F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_WRITE");
    struct stat facts{};
    if (::fstat(memory.get(), &facts) != 0) return fail_errno("a memfd that cannot be looked at", errno);
    if (std::cmp_not_equal(facts.st_size, bytes))
        return fail(cat("a memfd that has ", facts.st_size, " bytes where ", bytes, " were announced"));
    return {};
}

Result<Fd> pidfd_open(pid_t pid) {
    Fd descriptor{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (!descriptor) return fail_errno("pidfd_open", errno);
    return descriptor;
}

bool pidfd_signal(int pidfd, int signal) { return ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0; }

std::optional<std::uint64_t> own_memory_bytes(pid_t pid) {
    const Fd file{::open(cat("/proc/", pid, "/statm").c_str(), O_RDONLY | O_CLOEXEC)};
    std::array<char, 128> text{};
    if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
    // In pages: size, resident, of that shared with files and others, …
    char* at = text.data();
    (void)std::strtoull(at, &at, 10);
    const auto resident = std::strtoull(at, &at, 10);
    const auto shared = std::strtoull(at, &at, 10);
    if (shared > resident) return std::nullopt;
    return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

void shut_to_ptrace() {
#if !defined(CAISSON_SANITIZED)
    ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

std::filesystem::path program_dir() {
    std::error_code error;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
    return error ? std::filesystem::path{"."} : program.parent_path();
}

std::filesystem::path helper_dir() {
    auto beside = program_dir();
    std::error_code error;
    if (std::filesystem::exists(beside / "caisson-keeper", error)) return beside;
    return (beside / "../libexec/caisson").lexically_normal();
}

std::uint64_t raise_open_files() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

void random_bytes(void* to, std::size_t count) {
    auto* at = static_cast<std::byte*>(to);
    while (count > 0) {
        const auto got = ::getrandom(at, count, 0);
        check(got > 0 || errno == EINTR, "getrandom cannot fail for short reads");
        if (got <= 0) continue;
        at += got;
        count -= static_cast<std::size_t>(got);
    }
}

std::string wall_time() {
    const auto now = std::chrono::system_clock::now();
    const auto since = now.time_since_epoch();
    const std::time_t whole = std::chrono::system_clock::to_time_t(now);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count() % 1000;
    std::tm parts{};
    ::gmtime_r(&whole, &parts);
    std::array<char, 64> text{};
    const int length =
        std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(ms));
    return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace caisson::sys
