// SPDX-License-Identifier: Apache-2.0
#include "hunger.hpp"

#include <fcntl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <system_error>

using caisson::plugin::Call;
using caisson::plugin::Error;
using caisson::plugin::Json;
using caisson::plugin::Status;

namespace {

[[noreturn]] void stay() {
    while (true) pause();
}

/// noexcept, as much code is without anybody's thinking of memory: the failed allocation ends the process.
[[gnu::noinline]] void eat(std::uint64_t most_mib) noexcept {
    constexpr std::size_t bite_bytes = 16 * 1024 * 1024;
    for (std::uint64_t eaten_mib = 0; eaten_mib < most_mib; eaten_mib += 16) {
        auto* const bite = static_cast<std::byte*>(::operator new(bite_bytes));  // kept: that is the point
        std::memset(bite, 0x5A, bite_bytes);
        asm volatile("" : : "r"(bite) : "memory");  // or the compiler sees that nobody reads it
    }
    volatile std::size_t more_than_there_is = PTRDIFF_MAX;
    void* volatile more = ::operator new(more_than_there_is);
    static_cast<void>(more);
}

[[noreturn]] void refuse(const char* what) {
    throw Error{Status::unavailable, std::string{what} + ": " + std::generic_category().message(errno)};
}

}  // namespace

std::uint64_t number(Call& call, std::uint64_t fallback) {
    if (call.body().empty()) return call.param<std::uint64_t>("n", fallback);
    const auto body = Json::parse(caisson::plugin::text(call.body()), nullptr, false);
    if (!body.is_number_unsigned()) throw Error{Status::invalid_argument, "expected a number, or no body"};
    return body.get<std::uint64_t>();
}

void oom(Call& call) { eat(number(call, 8192)); }

void fds() {
    for (std::uint64_t opened = 0;; ++opened) {
        if (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) continue;
        const auto what = "opened " + std::to_string(opened) + " files, then";
        refuse(what.c_str());
    }
}

std::uint64_t fork_bomb(Call& call) {
    constexpr std::uint64_t most = 512;
    const auto wanted = std::min(number(call, 64), most);
    for (std::uint64_t children = 0; children < wanted; ++children) {
        const pid_t child = fork();
        if (child < 0) return children;
        if (child > 0) continue;
        static_cast<void>(fork());  // once more, in each: both stay
        stay();
    }
    return wanted;
}

std::int64_t daemonize() {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) refuse("pipe");
    const pid_t middle = fork();
    if (middle < 0) refuse("fork");
    if (middle == 0) {
        setsid();
        const pid_t daemon = fork();
        if (daemon != 0) _exit(daemon < 0 ? 1 : 0);
        std::signal(SIGTERM, SIG_IGN);
        const pid_t self = getpid();
        if (write(report[1], &self, sizeof self) != sizeof self) _exit(1);
        stay();
    }
    close(report[1]);
    pid_t daemon = -1;
    const bool told = read(report[0], &daemon, sizeof daemon) == sizeof daemon;
    close(report[0]);
    waitpid(middle, nullptr, 0);
    if (!told) throw Error{Status::unavailable, "the daemon could not be made"};
    return daemon;
}

std::uint64_t flood_stdout(Call& call) {
    constexpr std::size_t line_bytes = 80;
    const auto total = number(call, 64 * 1024 * 1024);
    std::string piece(line_bytes * 800, '~');
    if (call.param("newlines", false))
        for (std::size_t end = line_bytes - 1; end < piece.size(); end += line_bytes) piece[end] = '\n';
    std::uint64_t printed = 0;
    while (printed < total) {
        const auto size = std::min<std::uint64_t>(piece.size(), total - printed);
        const ssize_t count = write(STDOUT_FILENO, piece.data(), size);
        if (count < 0 && errno != EINTR && errno != EAGAIN) refuse("stdout");
        if (count > 0) printed += static_cast<std::uint64_t>(count);
    }
    return printed;
}

void close_fds() { close_range(0, ~0U, 0); }
