// SPDX-License-Identifier: Apache-2.0
/// The walls around a plugin, put up before a single instruction of it runs.
///
/// In their order: own session and process group, death with the keeper, adoption of the plugin's orphans, a clean
/// signal mask, no file but the worker's own, resource limits; then, unless isolation is "none": first victim when
/// memory runs out, no new privileges, not dumpable (no ptrace, no /proc/PID/mem), Landlock scopes (no signals to
/// outsiders). What the kernel does not know is left out; `caisson doctor` says what that is.
#pragma once

#include <sys/types.h>

#include "base/result.hpp"
#include "host/setup.hpp"

namespace caisson::host {

/// `keeper` is the process that must be the parent. Ends the process if it is no longer: nobody would ever stop it.
[[nodiscard]] Result<void> confine(const Setup& setup, pid_t keeper);

}  // namespace caisson::host
