// SPDX-License-Identifier: Apache-2.0
#include "cli/top/canvas.hpp"

#include <wchar.h>

#include <algorithm>
#include <bit>

#include "base/text.hpp"

namespace caisson::cli::top {
namespace {

// Takes one character from the front of valid UTF-8.
char32_t take_character(std::string_view& text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const auto length = lead < 0x80 ? 1U : static_cast<unsigned>(std::countl_one(lead));
    char32_t code = length == 1 ? lead : lead & (0x7FU >> length);
    for (unsigned i = 1; i < length; ++i) code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    text.remove_prefix(length);
    return code;
}

Glyph glyph_of(char32_t code) {
    if (code == U'\t') return {U' ', 1};
    if (code < 0x80) return {code, 1};
    // What has no width of its own (combining marks, directions of writing) could change what its neighbours look like.
    const int columns = ::wcwidth(static_cast<wchar_t>(code));
    return columns >= 1 ? Glyph{code, static_cast<std::size_t>(columns)} : Glyph{U'?', 1};
}

char32_t cut_mark() { return ::wcwidth(L'…') == 1 ? U'…' : U'~'; }

// As many glyphs as fit, the last of them a mark if not all do.
std::vector<Glyph> fitted(std::string_view text, std::size_t room) {
    auto glyphs = glyphs_of(text);
    std::size_t used = 0;
    std::size_t fit = 0;  // glyphs with a column left for the mark
    for (std::size_t i = 0; i < glyphs.size(); ++i) {
        used += glyphs[i].columns;
        if (used < room) fit = i + 1;
        if (used <= room) continue;
        glyphs.resize(fit);
        if (room > 0) glyphs.push_back({cut_mark(), 1});
        break;
    }
    return glyphs;
}

std::size_t columns_of(const std::vector<Glyph>& glyphs) {
    std::size_t columns = 0;
    for (const auto& glyph : glyphs) columns += glyph.columns;
    return columns;
}

}  // namespace

std::vector<Glyph> glyphs_of(std::string_view text) {
    // The rows of the model are safe already; whatever else comes here is made so.
    const auto safe = printable(text);
    std::string_view rest = safe;
    std::vector<Glyph> glyphs;
    glyphs.reserve(rest.size());
    while (!rest.empty()) glyphs.push_back(glyph_of(take_character(rest)));
    return glyphs;
}

std::size_t columns_of(std::string_view text) { return columns_of(glyphs_of(text)); }

void append_utf8(std::string& out, char32_t character) {
    const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | (character >> shift & 0x3F)); };
    if (character < 0x80) {
        out += static_cast<char>(character);
    } else if (character < 0x800) {
        out += static_cast<char>(0xC0 | character >> 6);
        tail(0);
    } else if (character < 0x10000) {
        out += static_cast<char>(0xE0 | character >> 12);
        tail(6);
        tail(0);
    } else {
        out += static_cast<char>(0xF0 | character >> 18);
        tail(12);
        tail(6);
        tail(0);
    }
}

std::size_t Canvas::put(std::size_t row, std::size_t column, std::string_view text, Role role, std::size_t room) {
    if (row >= size_.rows || column >= size_.columns) return 0;
    std::size_t at = column;
    for (const auto& glyph : fitted(text, std::min(room, size_.columns - column))) {
        cells_[row * size_.columns + at] = {glyph.code, role};
        for (std::size_t half = 1; half < glyph.columns; ++half)
            cells_[row * size_.columns + at + half] = {U'\0', role};
        at += glyph.columns;
    }
    return at - column;
}

void Canvas::put_right(std::size_t row, std::size_t end, std::string_view text, Role role, std::size_t room) {
    const auto columns = std::min({columns_of(text), room, end});
    put(row, end - columns, text, role, columns);
}

void Canvas::paint(std::size_t row, Role role) {
    if (row >= size_.rows) return;
    for (std::size_t column = 0; column < size_.columns; ++column) cells_[row * size_.columns + column].role = role;
}

std::string Canvas::row_text(std::size_t row) const {
    std::string out;
    for (std::size_t column = 0; column < size_.columns; ++column)
        if (at(row, column).code != U'\0') append_utf8(out, at(row, column).code);
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
}

std::string Canvas::text() const {
    std::string out;
    for (std::size_t row = 0; row < size_.rows; ++row) out += row_text(row) + '\n';
    return out;
}

}  // namespace caisson::cli::top
