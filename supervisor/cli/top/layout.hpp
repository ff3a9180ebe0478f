// SPDX-License-Identifier: Apache-2.0
/// Where everything stands on a screen of some size. Pure: what is known, what was chosen and the size make a canvas.
///
///     row 0        the service, or that it has gone
///     ...          a table of pools, one of workers; each gets half, and what the other does not need
///     above it     the row under the cursor in words, on screens that have room for it
///     last         keys, what is typed, what is asked
///
/// A screen that is too low for two tables has only the one with the cursor. Below that, what does not fit is left out.
#pragma once

#include <string>

#include "cli/top/canvas.hpp"
#include "cli/top/keys.hpp"
#include "cli/top/view.hpp"

namespace caisson::cli::top {

/// Whether what is seen is of now.
struct Connection {
    bool lost = false;
    std::string why = {};
    double retry_in_s = 0;  ///< until the next try
};

/// The rows of a screen that tables have, without their headings.
struct Plan {
    std::size_t pools = 0;
    std::size_t workers = 0;
    bool gap = false;        ///< an empty row between them
    std::size_t detail = 0;  ///< rows for what is under the cursor, in words
};
[[nodiscard]] Plan plan(Size size, Focus focus, std::size_t pools, std::size_t workers);

/// Rows that a page of text has for its lines.
[[nodiscard]] std::size_t page_rows(Size size, const TextPage& page);

/// What a key needs to know of the screen.
[[nodiscard]] Seen seen(const Model& model, const View& view, Size size);

[[nodiscard]] Canvas draw(const Model& model, const View& view, const Connection& connection, Size size);

/// The same as plain text that is as long as it needs to be: no cursor and no keys.
[[nodiscard]] std::string frame_text(const Model& model, const View& view, std::size_t columns);

}  // namespace caisson::cli::top
