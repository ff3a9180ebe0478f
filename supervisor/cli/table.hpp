// SPDX-License-Identifier: Apache-2.0
/// A table for a terminal: columns as wide as their widest cell, numbers to the right.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caisson::cli {

class Table {
   public:
    enum class Align { left, right };
    struct Column {
        std::string_view title;
        Align align = Align::left;
    };

    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    /// One row; cells that are missing are empty, cells without a text show "-".
    void add(std::vector<std::string> cells);
    [[nodiscard]] bool empty() const { return rows_.empty(); }
    /// The title row and the rows, each with its line end and no trailing spaces.
    [[nodiscard]] std::string text() const;

   private:
    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

/// Characters of UTF-8 text, which is its width in all but rare scripts.
[[nodiscard]] std::size_t width(std::string_view text);

}  // namespace caisson::cli
