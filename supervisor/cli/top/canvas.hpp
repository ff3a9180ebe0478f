// SPDX-License-Identifier: Apache-2.0
/// A screen's worth of cells, each with a character and what it means. Nothing that is put on it leaves its row or its
/// room, whatever its characters.
///
/// How wide a character is, and whether it can be shown at all, is what the locale says (LC_CTYPE): in a plain one
/// everything beyond ASCII becomes a question mark.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::cli::top {

struct Size {
    std::size_t columns = 80;
    std::size_t rows = 24;
    friend bool operator==(const Size&, const Size&) = default;
};

/// What a cell means; the screen decides how that looks.
enum class Role : std::uint8_t { plain, title, heading, sorted, selected, quiet, warning, bad, key };
inline constexpr std::size_t role_count = 9;

/// A character that fills one or two columns.
struct Glyph {
    char32_t code = U' ';
    std::size_t columns = 1;
};

/// `text` as glyphs: what has no width, cannot be shown or would move the cursor is a question mark or a space.
[[nodiscard]] std::vector<Glyph> glyphs_of(std::string_view text);
/// The columns that `text` fills.
[[nodiscard]] std::size_t columns_of(std::string_view text);
/// `character` as UTF-8.
void append_utf8(std::string& out, char32_t character);

class Canvas {
   public:
    static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

    struct Cell {
        char32_t code = U' ';  ///< 0: the right half of the wide character before it
        Role role = Role::plain;
    };

    explicit Canvas(Size size) : size_(size), cells_(size.columns * size.rows) {}

    [[nodiscard]] Size size() const { return size_; }
    [[nodiscard]] const Cell& at(std::size_t row, std::size_t column) const {
        return cells_[row * size_.columns + column];
    }

    /// Puts `text` there, in at most `room` columns, with a mark where it was cut; returns the columns that it fills.
    std::size_t put(std::size_t row, std::size_t column, std::string_view text, Role role = Role::plain,
                    std::size_t room = all);
    /// The same, ending at `end`, one behind its last column.
    void put_right(std::size_t row, std::size_t end, std::string_view text, Role role, std::size_t room);
    /// Gives the whole row this role.
    void paint(std::size_t row, Role role);

    /// A row as UTF-8, without the spaces at its end.
    [[nodiscard]] std::string row_text(std::size_t row) const;
    /// All rows, each with its line end.
    [[nodiscard]] std::string text() const;

   private:
    Size size_;
    std::vector<Cell> cells_;
};

}  // namespace caisson::cli::top
