// SPDX-License-Identifier: Apache-2.0
/// Texts of several lines that another process wrote, safe for a terminal line by line.
#pragma once

#include <string>
#include <string_view>

namespace caisson::cli {

/// Each line printable, the second and later ones behind `indent`; without a line break at the end.
[[nodiscard]] std::string printable_lines(std::string_view text, std::string_view indent);

}  // namespace caisson::cli
