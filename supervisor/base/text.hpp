// SPDX-License-Identifier: Apache-2.0
/// Small work on text: joining, escaping what a terminal would obey, cutting without breaking UTF-8.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>

namespace caisson {

inline void append(std::string& out, std::string_view part) { out += part; }
inline void append(std::string& out, char part) { out += part; }
template <std::integral T>
    requires(!std::same_as<T, char> && !std::same_as<T, bool>)
void append(std::string& out, T number) {
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

/// The parts (texts and integers) joined to one string.
template <class... Parts>
[[nodiscard]] std::string cat(const Parts&... parts) {
    std::string out;
    (append(out, parts), ...);
    return out;
}

/// "0x" and lower-case hexadecimal digits.
[[nodiscard]] std::string hex(std::uint64_t number);

/// At most `max_bytes` of `text`, cut before a UTF-8 sequence that would not fit, with "…" where something was cut.
[[nodiscard]] std::string cut(std::string_view text, std::size_t max_bytes);

/// `text` as valid UTF-8 without control characters: a plugin's words must not move an operator's cursor. Broken bytes
/// and controls become \xNN, tabs stay.
[[nodiscard]] std::string printable(std::string_view text);

/// `word` in quotes as it may be shown in a message: printable, and cut where it is long.
[[nodiscard]] std::string in_quotes(std::string_view word);

}  // namespace caisson
