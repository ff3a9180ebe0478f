// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <cstdint>

namespace caisson {
namespace {

/// Bytes of a word that a message repeats: enough to recognise it.
constexpr std::size_t max_quoted_bytes = 80;

bool continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

// The length of the well-formed UTF-8 sequence at the start of `text`, or 0. Overlong forms, surrogates and numbers
// beyond U+10FFFF are not well formed (Unicode 15, table 3-7).
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto lead = byte(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if (!continuation(text[i])) return 0;
    const auto second = byte(1);
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
        (lead == 0xF4 && second > 0x8F))
        return 0;
    return length;
}

}  // namespace

std::string hex(std::uint64_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number, 16).ptr;
    return "0x" + std::string(digits, end);
}

std::string cut(std::string_view text, std::size_t max_bytes) {
    if (text.size() <= max_bytes) return std::string{text};
    std::size_t end = max_bytes;
    while (end > 0 && continuation(text[end])) --end;
    return std::string{text.substr(0, end)} + "…";
}

std::string printable(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const auto first = static_cast<unsigned char>(text.front());
        std::size_t length = sequence_length(text);
        // C0 except tab, DEL, and C1 (U+0080 to U+009F), which terminals obey as well.
        const bool control = (first < 0x20 && first != '\t') || first == 0x7F ||
                             (length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0);
        if (length == 0 || control) {
            length = length == 0 ? 1 : length;
            for (const char c : text.substr(0, length)) {
                const auto value = static_cast<unsigned char>(c);
                out += {'\\', 'x', digits[value >> 4], digits[value & 15]};
            }
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    return out;
}

std::string in_quotes(std::string_view word) { return cat('"', printable(cut(word, max_quoted_bytes)), '"'); }

}  // namespace caisson
