// SPDX-License-Identifier: Apache-2.0
/// What /proc tells of processes: who is whose child, how much memory and how many descriptors one has.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "support/eventually.hpp"

namespace caisson::test {

struct Process {
    pid_t pid = 0;
    pid_t parent = 0;
    char state = '?';  ///< as in /proc/PID/stat: R, S, T, Z, …
    std::string name;  ///< at most 15 bytes
};

/// Living descendants of a process, nearest first; the dead that nobody has reaped are not among them.
[[nodiscard]] std::vector<Process> descendants(pid_t ancestor);
[[nodiscard]] std::vector<pid_t> descendant_pids(pid_t ancestor);
/// Children that have died and were not reaped.
[[nodiscard]] std::vector<pid_t> zombies(pid_t parent);
/// Names and pids, for a message.
[[nodiscard]] std::string describe(const std::vector<Process>& processes);

/// Makes this process the parent of whatever its descendants leave behind, so that nothing can leave its sight.
void adopt_orphans();

/// A process that is watched: its descriptor never comes to mean another one.
class Watched {
   public:
    explicit Watched(pid_t pid);
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] bool gone_within(std::chrono::milliseconds deadline = patience) const;

   private:
    pid_t pid_;
    Fd descriptor_;  // none if it had gone already
};
[[nodiscard]] std::vector<Watched> watch_all(const std::vector<pid_t>& pids);
/// The pids of those that are not gone by the deadline, which holds for all of them together.
[[nodiscard]] std::vector<pid_t> left_after(const std::vector<Watched>& processes, std::chrono::milliseconds deadline);

[[nodiscard]] std::uint64_t resident_bytes(pid_t pid);
/// The most that it has ever been.
[[nodiscard]] std::uint64_t peak_resident_bytes(pid_t pid);
[[nodiscard]] std::size_t open_descriptors(pid_t pid);

}  // namespace caisson::test
