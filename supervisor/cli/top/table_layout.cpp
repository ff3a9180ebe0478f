// SPDX-License-Identifier: Apache-2.0
#include "cli/top/table_layout.hpp"

#include <algorithm>
#include <span>

#include "base/text.hpp"
#include "cli/top/columns.hpp"

namespace caisson::cli::top {
namespace {

// A column whose texts are longer is cut to this before another column is left out.
constexpr std::size_t cut_before_left_out = 14;

template <class Row>
struct Placed {
    const Column<Row>* column = nullptr;
    std::size_t index = 0;  // in the table's columns
    std::size_t wanted = 0;
    std::size_t width = 0;
};

template <class Row>
using Rows = std::span<const Row* const>;

// How wide each column would like to be; without those that nobody can fill.
template <class Row>
std::vector<Placed<Row>> wanted_columns(Rows<Row> rows) {
    std::vector<Placed<Row>> out;
    const auto columns = columns_for<Row>();
    for (std::size_t index = 0; index < columns.size(); ++index) {
        const auto& column = columns[index];
        std::size_t longest = 0;
        for (const auto* row : rows) longest = std::max(longest, columns_of(column.text(*row)));
        if (column.optional && longest == 0) continue;
        out.push_back({&column, index, std::clamp(longest, column.least, column.most), 0});
    }
    return out;
}

// The columns that find room, with their widths. The important ones choose first.
template <class Row>
std::vector<Placed<Row>> placed_columns(Rows<Row> rows, std::size_t room) {
    auto columns = wanted_columns<Row>(rows);
    std::vector<Placed<Row>*> by_rank;
    by_rank.reserve(columns.size());
    for (auto& column : columns) by_rank.push_back(&column);
    std::ranges::sort(by_rank, {}, [](const Placed<Row>* placed) { return placed->column->rank; });
    std::size_t used = 0;
    for (auto* placed : by_rank) {
        const auto least = std::min(placed->wanted, std::max(placed->column->least, cut_before_left_out));
        const auto gap = used == 0 ? 0U : 1U;
        if (used + gap + least > room && used > 0) continue;  // a narrower one may fit
        placed->width = std::min(least, room);
        used += gap + placed->width;
    }
    for (auto* placed : by_rank) {
        if (placed->width == 0) continue;
        const auto more = std::min(placed->wanted - placed->width, room - used);
        placed->width += more;
        used += more;
    }
    std::erase_if(columns, [](const Placed<Row>& placed) { return placed.width == 0; });
    return columns;
}

// The direction stands in the gap beside the title.
void draw_title(Canvas& canvas, std::size_t row, std::size_t at, std::size_t width, std::string_view title,
                bool to_right, const Sorting* sorting) {
    const auto role = sorting == nullptr ? Role::heading : Role::sorted;
    const auto mark = sorting == nullptr ? "" : sorting->descending ? "v" : "^";
    if (to_right) {
        const auto shown = cat(mark, title);
        canvas.put_right(row, at + width, shown, role, shown.size());
    } else {
        canvas.put(row, at, cat(title, mark), role);
    }
}

template <class Row>
void draw(Canvas& canvas, const TablePlace& place, const std::vector<const Row*>& rows, const TableView& view) {
    const auto first = first_shown(view.cursor.row, rows.size(), place.rows);
    const Rows<Row> seen = std::span{rows}.subspan(first, std::min(place.rows, rows.size() - first));
    const auto room = canvas.size().columns - std::min(canvas.size().columns, mark_columns);
    // As wide as all rows need, so that columns stay where they are while rows scroll.
    const auto columns = placed_columns<Row>(rows, room);
    std::size_t used = columns.empty() ? 0 : columns.size() - 1;
    for (const auto& placed : columns) used += placed.width;
    // Wider gaps read better, where there is room for all of them.
    const std::size_t gap = used + columns.size() <= room + 1 ? 2 : 1;

    std::size_t at = mark_columns;
    for (const auto& [column, index, wanted, width] : columns) {
        draw_title(canvas, place.top, at, width, column->title, column->to_right,
                   index == view.sorting.column ? &view.sorting : nullptr);
        for (std::size_t i = 0; i < seen.size(); ++i) {
            auto text = column->text(*seen[i]);
            if (text.empty()) text = "-";
            const auto role = text == "-" ? Role::quiet : column->role(*seen[i]);
            if (column->to_right)
                canvas.put_right(place.top + 1 + i, at + width, text, role, width);
            else
                canvas.put(place.top + 1 + i, at, text, role, width);
        }
        at += width + gap;
    }
    if (!place.cursor || rows.empty()) return;
    canvas.put(place.top + 1 + view.cursor.row - first, 0, ">");
    canvas.paint(place.top + 1 + view.cursor.row - first, Role::selected);
}

}  // namespace

std::size_t first_shown(std::size_t cursor, std::size_t rows, std::size_t room) {
    if (rows <= room) return 0;
    return std::min(cursor - std::min(cursor, room / 2), rows - room);
}

void draw_table(Canvas& canvas, const TablePlace& place, const std::vector<const PoolRow*>& rows,
                const TableView& view) {
    draw(canvas, place, rows, view);
}

void draw_table(Canvas& canvas, const TablePlace& place, const std::vector<const WorkerRow*>& rows,
                const TableView& view) {
    draw(canvas, place, rows, view);
}

}  // namespace caisson::cli::top
