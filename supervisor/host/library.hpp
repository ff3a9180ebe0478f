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
///
/// If `image` is a descriptor, its bytes are loaded, under the name that `name_of_image` says, and the path is for
/// messages. The descriptor must stay what it is: the loader knows libraries by their names.
[[nodiscard]] Result<caisson_plugin_entry_fn> load_library(const std::string& path, int image = -1);

[[nodiscard]] std::string name_of_image(int image);

}  // namespace caisson::host
