// SPDX-License-Identifier: Apache-2.0
/// The walls of the throw-away process, put up before it reads a byte.
#pragma once

#include "base/result.hpp"

namespace caisson::symbolizer {

/// Bounds on memory, processor time, files and output; no new privileges, no core, no debug information from the
/// network.
[[nodiscard]] Result<void> enter_sandbox();

}  // namespace caisson::symbolizer
