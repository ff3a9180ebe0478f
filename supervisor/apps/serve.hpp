// SPDX-License-Identifier: Apache-2.0
/// caisson serve: the engine and its door, wired together, from start to the last worker's end.
#pragma once

#include "cli/cli.hpp"

namespace caisson::apps {

/// Runs the service in the foreground; returns the exit code.
[[nodiscard]] int serve(const cli::ServeOptions& options);

}  // namespace caisson::apps
