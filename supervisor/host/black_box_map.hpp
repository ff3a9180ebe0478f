// SPDX-License-Identifier: Apache-2.0
/// Maps the black box that the supervisor handed over.
#pragma once

#include "base/result.hpp"
#include "wire/black_box.hpp"

namespace caisson::host {

/// The box lives until the process ends: the fatal-signal handler writes to it at any time. It is not inherited by
/// processes that the plugin forks, so that none of them can speak for the worker.
[[nodiscard]] Result<wire::BlackBox*> map_black_box(int descriptor);

}  // namespace caisson::host
