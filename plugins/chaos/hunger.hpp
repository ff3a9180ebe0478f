// SPDX-License-Identifier: Apache-2.0
/// Ways to take more than one's share: memory, files, processes, output.
#pragma once

#include <caisson/plugin.hpp>
#include <cstdint>

/// The number that a method works with: its body, else params.n, else `fallback`.
std::uint64_t number(caisson::plugin::Call& call, std::uint64_t fallback);

void oom(caisson::plugin::Call& call);
void fds();
/// Returns how many children it has.
std::uint64_t fork_bomb(caisson::plugin::Call& call);
/// Returns the pid of what it left behind.
std::int64_t daemonize();
/// Returns how many bytes it printed.
std::uint64_t flood_stdout(caisson::plugin::Call& call);
void close_fds();
