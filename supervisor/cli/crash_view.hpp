// SPDX-License-Identifier: Apache-2.0
/// Crash reports as a table, and one in full. Pure.
#pragma once

#include <string>

#include "cli/document.hpp"

namespace caisson::cli {

/// The list, newest first.
[[nodiscard]] std::string crashes_text(const Json& reply);
/// One report: what, where, the whole stack, the call, and the last output of the plugin.
[[nodiscard]] std::string crash_text(const Json& reply);

}  // namespace caisson::cli
