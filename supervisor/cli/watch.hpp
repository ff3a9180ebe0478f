// SPDX-License-Identifier: Apache-2.0
/// The service's status drawn anew until interrupted: on a terminal in its place, elsewhere one after the other.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/terminal.hpp"

namespace caisson::cli {

/// What draws `text` over what stood on the terminal. Lines that have no room are counted in the last. Pure.
[[nodiscard]] std::string redrawn(std::string_view text, TerminalSize size);

/// Asks again and again, prints what `render` makes of each answer (with --json the answer itself), and waits for a
/// service that ends or restarts. Returns when interrupted, or when nobody reads any more.
[[nodiscard]] int watch(const Context& context, const Json& request, std::chrono::milliseconds interval,
                        std::string_view doing, const std::function<std::string(const Json&)>& render);

}  // namespace caisson::cli
