// SPDX-License-Identifier: Apache-2.0
/// One table on a canvas: which columns find room and how wide they are, which rows are in sight, where the cursor is.
/// Pure.
#pragma once

#include <cstddef>
#include <vector>

#include "cli/top/canvas.hpp"
#include "cli/top/view.hpp"

namespace caisson::cli::top {

/// Columns for the mark of the cursor, left of tables and texts.
inline constexpr std::size_t mark_columns = 1;

struct TablePlace {
    std::size_t top = 0;   ///< the row of the heading
    std::size_t rows = 0;  ///< below it
    bool cursor = false;   ///< the cursor is in this table
};

/// Of so many rows, the first that is shown where `room` are: with the cursor in the middle where there are more.
[[nodiscard]] std::size_t first_shown(std::size_t cursor, std::size_t rows, std::size_t room);

void draw_table(Canvas& canvas, const TablePlace& place, const std::vector<const PoolRow*>& rows,
                const TableView& view);
void draw_table(Canvas& canvas, const TablePlace& place, const std::vector<const WorkerRow*>& rows,
                const TableView& view);

}  // namespace caisson::cli::top
