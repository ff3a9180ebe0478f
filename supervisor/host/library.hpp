// SPDX-License-Identifier: Apache-2.0
/// A plugin's shared library in this process: the only place that loads one.
#pragma once

#include <string>

#include <caisson/plugin.h>
#include "base/result.hpp"

namespace caisson::host {

/// Loads the library with immediate binding, its symbols kept to itself, runs its static constructors, and finds its
/// entry. It stays loaded until the process ends: what the descriptor points to must stay valid, and threads of the
/// plugin may still run its code. Inspect the file before (host/diagnose.hpp): this call may block on a FIFO.
[[nodiscard]] Result<caisson_plugin_entry_fn> load_library(const std::string& path);

}  // namespace caisson::host
