// SPDX-License-Identifier: Apache-2.0
/// The children that this process has now, its own and those that it adopted.
#pragma once

#include <sys/types.h>

#include <vector>

namespace caisson::keeper {

/// Living and dead-but-unreaped children of the calling process, which must have one thread only.
[[nodiscard]] std::vector<pid_t> children();

}  // namespace caisson::keeper
