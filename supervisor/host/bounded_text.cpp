// SPDX-License-Identifier: Apache-2.0
#include "host/bounded_text.hpp"

#include <algorithm>

namespace caisson::host {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// Bytes of the character that starts the text, or 0 if none does.
std::size_t character_size(std::string_view text) {
    const unsigned first = byte_at(text, 0);
    if (first < 0x80) return 1;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte_at(text, i) & 0xC0) != 0x80) return 0;
    }
    // Overlong forms, surrogates, and what lies beyond the last code point.
    const unsigned second = byte_at(text, 1);
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return size;
}

}  // namespace

void assign_bounded(std::string& out, std::string_view text, std::size_t max_bytes) {
    out.clear();
    while (!text.empty() && out.size() < max_bytes) {
        const std::size_t size = character_size(text);
        if (out.size() + std::max<std::size_t>(size, 1) > max_bytes) break;
        if (size == 0) {
            out.push_back('?');
            text.remove_prefix(1);
        } else {
            out.append(text.substr(0, size));
            text.remove_prefix(size);
        }
    }
}

}  // namespace caisson::host
