// SPDX-License-Identifier: Apache-2.0
/// The zygote: a worker that has loaded its plugin and makes copies of itself, which begin a worker's life from there.
///
/// A copy is made without the C library's fork(), for fork() cannot make it a child of the keeper; what that would have
/// put right in the copy is put right here. The fork handlers that a library has registered (pthread_atfork) do not
/// run. The process must have one thread: no other would be in the copy, and what it had locked would stay locked.
#pragma once

#include <functional>

#include "base/result.hpp"
#include "host/ending.hpp"
#include "host/inlet.hpp"

namespace caisson::host {

/// Whether this process can be copied now, and if not, why.
[[nodiscard]] Result<void> can_be_copied();

/// Makes a copy for each request on `copy_descriptor`, until the supervisor says stop. In a copy `live` runs, with the
/// descriptors of a new worker in place, and the process ends with what it returns.
[[nodiscard]] ExitCode serve_copies(Inlet& supervisor, const std::function<ExitCode()>& live);

}  // namespace caisson::host
