// SPDX-License-Identifier: Apache-2.0
/// The pages of text: what a reply of the service says, as lines. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cli/document.hpp"
#include "cli/top/view.hpp"

namespace caisson::cli::top {

/// The page that `h` shows.
[[nodiscard]] TextPage help_page();
/// The crash reports that the service keeps, to choose from.
[[nodiscard]] TextPage crashes_page(const Json& reply);
[[nodiscard]] TextPage report_page(const Json& reply);
/// The last events, the newest at the bottom.
[[nodiscard]] TextPage events_page(const Json& reply);

/// The lines of a page on a screen so wide: long ones go on below, except where one is chosen from.
[[nodiscard]] std::vector<std::string> page_lines(const TextPage& page, std::size_t columns);

}  // namespace caisson::cli::top
