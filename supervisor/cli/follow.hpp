// SPDX-License-Identifier: Apache-2.0
/// Asking a service what happened, and then for what happens: through its restarts too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/command.hpp"
#include "cli/document.hpp"

namespace caisson::cli {

class OptionSet;

/// What to ask for, and how to show it.
struct Topic {
    std::string_view verb;    ///< "events"
    std::string_view member;  ///< of the answer: the lines
    std::string (*text)(const Json& line);
    std::uint32_t first;  ///< lines of what has been, unless -n says how many
};

/// Declares POOL, -f and -n, and does what they say.
[[nodiscard]] Action declare_topic(OptionSet& set, const Context& context, const Topic& topic);

}  // namespace caisson::cli
