// SPDX-License-Identifier: Apache-2.0
/// One thing that is wrong with what an operator said: where, what, and what to do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::settings {

/// Where in a file something stands; both count from 1, 0 is nowhere.
struct Place {
    std::uint32_t line = 0;
    std::uint32_t column = 0;

    auto operator<=>(const Place&) const = default;
};

/// What cannot be used because of a problem.
enum class Scope : std::uint8_t {
    file,     ///< the whole file: syntax, [service], [access], [log], [defaults]
    pool,     ///< the pool that `Problem::pool` names; the others are good
    library,  ///< a library in plugin_dir that gets no pool; everything that has a section is good
};

struct Problem {
    std::string file = {};
    Place place = {};
    Scope scope = Scope::file;
    std::string pool = {};  ///< empty unless it is one pool's
    std::string what = {};  ///< names its section and key
    std::string hint = {};  ///< what to do; may be empty

    /// `caisson.toml:12:3: pool math: unknown key "wrokers" (did you mean "workers"?)`. One line, safe on a terminal.
    [[nodiscard]] std::string text() const;

    bool operator==(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

/// All texts, one on a line.
[[nodiscard]] std::string text_of(const Problems& problems);

}  // namespace caisson::settings
