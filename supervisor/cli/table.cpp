// SPDX-License-Identifier: Apache-2.0
#include "cli/table.hpp"

#include <algorithm>

namespace caisson::cli {
namespace {

constexpr std::size_t gap = 2;  // spaces between columns

}  // namespace

std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (auto& cell : cells)
        if (cell.empty()) cell.assign(1, '-');
    rows_.push_back(std::move(cells));
}

std::string Table::text() const {
    std::vector<std::size_t> widths;
    widths.reserve(columns_.size());
    for (const auto& column : columns_) widths.push_back(width(column.title));
    for (const auto& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));

    std::string out;
    const auto add_line = [&](const auto& cell_of) {
        const auto start = out.size();
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            const std::string_view cell = cell_of(i);
            const std::string padding(widths[i] - width(cell), ' ');
            if (i > 0) out.append(gap, ' ');
            if (columns_[i].align == Align::right) out += padding;
            out += cell;
            if (columns_[i].align == Align::left) out += padding;
        }
        out.erase(std::max(start, out.find_last_not_of(' ') + 1));
        out += '\n';
    };
    add_line([&](std::size_t i) { return columns_[i].title; });
    for (const auto& row : rows_) add_line([&](std::size_t i) -> std::string_view { return row[i]; });
    return out;
}

}  // namespace caisson::cli
