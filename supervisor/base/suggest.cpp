// SPDX-License-Identifier: Apache-2.0
#include "base/suggest.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace caisson {
namespace {

/// Two thirds of a word must be right for the rest to be a slip; even a short one may have one letter wrong.
std::size_t most_edits(std::string_view word) { return std::max<std::size_t>(1, word.size() / 3); }

std::string lower(std::string_view word) {
    std::string result{word};
    for (char& letter : result)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return result;
}

/// A table of distances between the first letters of two words, with a border that no path is worth taking through.
class Table {
   public:
    Table(std::size_t rows, std::size_t columns)
        : columns_(columns + 2), cells_((rows + 2) * (columns + 2), rows + columns) {
        for (std::size_t row = 0; row <= rows; ++row) at(row, 0) = row;
        for (std::size_t column = 0; column <= columns; ++column) at(0, column) = column;
    }
    [[nodiscard]] std::size_t& at(std::size_t row, std::size_t column) {
        return cells_[(row + 1) * columns_ + column + 1];
    }
    /// The cell before row `row` and column `column`; 0 is the border.
    [[nodiscard]] std::size_t before(std::size_t row, std::size_t column) const {
        return cells_[row * columns_ + column];
    }

   private:
    std::size_t columns_;
    std::vector<std::size_t> cells_;
};

template <class Word>
std::optional<std::string> nearest_of(std::string_view word, std::span<const Word> known) {
    if (word.empty() || word.size() > max_suggest_bytes) return std::nullopt;
    const std::string meant = lower(word);
    std::size_t best = most_edits(word) + 1;
    std::optional<std::string> result;
    for (const std::string_view candidate : known) {
        if (candidate.size() > max_suggest_bytes) continue;
        const std::size_t distance = edit_distance(meant, lower(candidate));
        // A word that shares no letter with the other is not a slip, however short both are.
        if (distance >= best || distance >= std::max(meant.size(), candidate.size())) continue;
        best = distance;
        result = candidate;
    }
    return result;
}

}  // namespace

std::size_t edit_distance(std::string_view left, std::string_view right) {
    Table table(left.size(), right.size());
    std::array<std::size_t, 256> last_row{};  // of each letter in `left`, counted from 1; 0: not seen yet
    for (std::size_t row = 1; row <= left.size(); ++row) {
        std::size_t last_column = 0;  // of the row's letter in `right`
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const std::size_t swap_row = last_row[static_cast<unsigned char>(right[column - 1])];
            const std::size_t swap_column = last_column;
            const bool equal = left[row - 1] == right[column - 1];
            if (equal) last_column = column;
            const std::size_t replaced = table.at(row - 1, column - 1) + (equal ? 0 : 1);
            const std::size_t removed = table.at(row - 1, column) + 1;
            const std::size_t inserted = table.at(row, column - 1) + 1;
            const std::size_t swapped =
                table.before(swap_row, swap_column) + (row - swap_row - 1) + 1 + (column - swap_column - 1);
            table.at(row, column) = std::min({replaced, removed, inserted, swapped});
        }
        last_row[static_cast<unsigned char>(left[row - 1])] = row;
    }
    return table.at(left.size(), right.size());
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> known) {
    return nearest_of(word, known);
}

std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known) {
    return nearest_of(word, known);
}

std::string did_you_mean(std::string_view word, std::span<const std::string> known) {
    const auto meant = nearest(word, known);
    return meant ? " (did you mean \"" + *meant + "\"?)" : std::string{};
}

}  // namespace caisson
