// SPDX-License-Identifier: Apache-2.0
/// Events and lines of the log as text. Pure.
#pragma once

#include <string>

#include "cli/document.hpp"

namespace caisson::cli {

/// "TIME EVENT message key=value …", safe for a terminal, with its end.
[[nodiscard]] std::string event_line(const Json& line);
/// "TIME LEVEL message key=value …", with its end.
[[nodiscard]] std::string log_line(const Json& line);

}  // namespace caisson::cli
