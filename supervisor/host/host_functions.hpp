// SPDX-License-Identifier: Apache-2.0
/// The table of C functions that a plugin gets, and the way from them to the call that runs.
#pragma once

#include <string_view>

#include <caisson/plugin.h>
#include "host/current_call.hpp"

namespace caisson::host {

/// The table for this process. `call` must live as long as the process; `settings` as long as the plugin.
[[nodiscard]] caisson_host make_host(CurrentCall& call, std::string_view settings);

}  // namespace caisson::host
