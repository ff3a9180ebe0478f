// SPDX-License-Identifier: Apache-2.0
/// What a key does: a view and a key make the next view, and perhaps a wish. Pure.
///
/// Letters that only look are small; those that end workers are capitals, and are asked back.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "cli/top/view.hpp"

namespace caisson::cli::top {

struct Key {
    enum class Name : std::uint8_t {
        character,
        up,
        down,
        page_up,
        page_down,
        home,
        end,
        tab,
        enter,
        escape,
        erase,
        redraw,
        unknown
    };
    Name name = Name::character;
    char32_t character = 0;
};

/// What was seen when the key was pressed.
struct Seen {
    const Model& model;
    std::size_t table_rows = 1;  ///< of the table with the cursor
    std::size_t page_rows = 1;   ///< that a page of text has
    std::size_t page_lines = 0;  ///< that it would need
};

struct Step {
    View view;
    std::optional<Wish> wish;
};

[[nodiscard]] Step press(View view, const Key& key, const Seen& seen);

}  // namespace caisson::cli::top
