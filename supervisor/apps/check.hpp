// SPDX-License-Identifier: Apache-2.0
/// caisson check: configurations and plugins, tried without a service.
#pragma once

#include "cli/cli.hpp"

namespace caisson::apps {

/// Prints what is wrong with each file; 0 if nothing is, else 7.
[[nodiscard]] int check_files(const cli::CheckOptions& options);

}  // namespace caisson::apps
