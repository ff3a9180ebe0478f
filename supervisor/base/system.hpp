// SPDX-License-Identifier: Apache-2.0
/// The seam to the kernel: the system calls that more than one folder needs, as functions that return Results. Every
/// descriptor they make is close-on-exec.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::sys {

/// A connected pair of Unix sockets: SOCK_STREAM or SOCK_SEQPACKET. Blocking.
[[nodiscard]] Result<std::pair<Fd, Fd>> socket_pair(int type);
/// (read end, write end).
[[nodiscard]] Result<std::pair<Fd, Fd>> pipe();
[[nodiscard]] Result<void> set_nonblocking(int descriptor);

/// A memfd of this size that can neither shrink nor grow.
[[nodiscard]] Result<Fd> sealed_memory(const char* name, std::size_t bytes);

/// Whether this is a memfd of just this size that nobody can change any more; the error says "a memfd that …".
[[nodiscard]] Result<void> check_sealed(const Fd& memory, std::uint64_t bytes);

/// A descriptor of a process, which unlike its pid never comes to name another.
[[nodiscard]] Result<Fd> pidfd_open(pid_t pid);
/// False if the process has gone or may not be signalled.
bool pidfd_signal(int pidfd, int signal);

/// Resident bytes of a process that it shares with no other; nothing if there is none of this number.
[[nodiscard]] std::optional<std::uint64_t> own_memory_bytes(pid_t pid);

/// Shuts this process's memory, descriptors and environment to others of its user. Not in builds with sanitizers, whose
/// leak check looks in by the same door.
void shut_to_ptrace();

/// The folder of the running program.
[[nodiscard]] std::filesystem::path program_dir();
/// The folder of the keeper and of what it starts: beside `caisson` in a build tree, libexec in an installation.
[[nodiscard]] std::filesystem::path helper_dir();
/// Raises the soft limit of open files to the hard one; returns what it is now.
std::uint64_t raise_open_files();
/// `count` random bytes from the kernel.
void random_bytes(void* to, std::size_t count);
/// Wall-clock time as RFC 3339 in UTC, with milliseconds. For people only.
[[nodiscard]] std::string wall_time();

}  // namespace caisson::sys
