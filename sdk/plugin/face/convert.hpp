// SPDX-License-Identifier: Apache-2.0
/// Bodies to values and back: what is taken, what is refused, and with which words.
#ifndef CAISSON_FACE_CONVERT_HPP
#define CAISSON_FACE_CONVERT_HPP

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <limits>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "types.hpp"

namespace caisson::plugin::detail {

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

/// What may be packed: numbers of 1, 2, 4 or 8 bytes.
template <class T>
concept Scalar = (std::integral<T> && !std::same_as<T, bool> && !Character<T> && sizeof(T) <= 8) ||
                 std::same_as<T, float> || std::same_as<T, double>;

template <class T>
struct Element {
    using Type = void;
};
template <class T, class Allocator>
struct Element<std::vector<T, Allocator>> {
    using Type = T;
};
/// T for a std::vector<T>, void for anything else.
template <class T>
using ElementOf = typename Element<T>::Type;

template <class T>
inline constexpr bool is_raw = std::same_as<T, Bytes> || std::same_as<T, Raw> || std::same_as<ElementOf<T>, std::byte>;

/// "int64", "float32": the names of the ABI.
template <Scalar T>
[[nodiscard]] std::string scalar_name() {
    const char* const kind = std::floating_point<T> ? "float" : std::signed_integral<T> ? "int" : "uint";
    return kind + std::to_string(sizeof(T) * 8);
}

/// The declared type of an input or output.
template <class T>
[[nodiscard]] std::string type_name() {
    if constexpr (std::is_void_v<T>) {
        return "none";
    } else if constexpr (is_raw<T>) {
        return "bytes";
    } else if constexpr (Scalar<T>) {
        return scalar_name<T>();
    } else if constexpr (Scalar<ElementOf<T>>) {
        return scalar_name<ElementOf<T>>() + "[]";
    } else {
        return "json";
    }
}

/// True for what a method may declare.
[[nodiscard]] inline bool is_type_name(std::string_view name) {
    constexpr std::array<std::string_view, 3> words = {"bytes", "json", "none"};
    constexpr std::array<std::string_view, 10> scalars = {"int8",   "int16",  "int32",  "int64",   "uint8",
                                                          "uint16", "uint32", "uint64", "float32", "float64"};
    if (std::ranges::find(words, name) != words.end()) return true;
    if (name.ends_with("[]")) name.remove_suffix(2);
    return std::ranges::find(scalars, name) != scalars.end();
}

/// What people read in "expected …".
template <class T>
[[nodiscard]] std::string expectation() {
    if constexpr (Scalar<T>) {
        return scalar_name<T>();
    } else if constexpr (std::same_as<T, bool>) {
        return "true or false";
    } else if constexpr (std::same_as<T, std::string>) {
        return "a string";
    } else if constexpr (!std::is_void_v<ElementOf<T>>) {
        return "an array of " + expectation<ElementOf<T>>();
    } else {
        return "a JSON value of the method's type";
    }
}

[[nodiscard]] inline Error invalid(const std::string& message) { return {Status::invalid_argument, message}; }

/// A text that may be long, short enough for a message.
[[nodiscard]] inline std::string excerpt(std::string_view text, std::size_t longest_bytes = 60) {
    if (text.size() <= longest_bytes) return std::string{text};
    return std::string{text.substr(0, longest_bytes)} + "…";
}

/// A JSON value as a message names it.
[[nodiscard]] inline std::string name_of(const Json& json) {
    if (json.is_array()) return "an array of " + std::to_string(json.size());
    if (json.is_object()) return "an object";
    return excerpt(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The text of a JSON library's exception without its number in brackets.
[[nodiscard]] inline std::string reason(const std::exception& error) {
    constexpr std::size_t longest_bytes = 300;
    std::string_view what = error.what();
    const auto end = what.starts_with("[json.exception.") ? what.find("] ") : std::string_view::npos;
    if (end != std::string_view::npos) what.remove_prefix(end + 2);
    return excerpt(what, longest_bytes);
}

/// The library copies and writes nested values by recursion, so depth is stack: a body must not choose it.
inline void check_depth(std::string_view text) {
    constexpr int deepest = 512;
    int depth = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (quoted && c == '\\') {
            ++at;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '[' || c == '{')) {
            if (++depth > deepest)
                throw invalid("the JSON is nested deeper than " + std::to_string(deepest) + " levels");
        } else if (!quoted && (c == ']' || c == '}')) {
            --depth;
        }
    }
}

[[nodiscard]] inline Json parse(std::string_view text, const std::string& expected) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
        throw invalid("expected " + expected + ", got nothing");
    check_depth(text);
    try {
        return Json::parse(text);
    } catch (const Json::exception& error) {
        throw invalid("expected " + expected + " as JSON, got '" + excerpt(text) + "': " + reason(error));
    }
}

template <std::integral T>
[[nodiscard]] T decode_integer(const Json& json) {
    constexpr double exact = 0x1p53;  // whole numbers up to here are exact in a double
    if (json.is_number_unsigned()) {
        if (const auto value = json.get<std::uint64_t>(); std::in_range<T>(value)) return static_cast<T>(value);
    } else if (json.is_number_integer()) {
        if (const auto value = json.get<std::int64_t>(); std::in_range<T>(value)) return static_cast<T>(value);
    } else {
        const auto value = json.get<double>();
        if (value != std::trunc(value)) throw invalid("expected " + scalar_name<T>() + ", got " + name_of(json));
        if (std::abs(value) <= exact && std::in_range<T>(static_cast<std::int64_t>(value)))
            return static_cast<T>(value);
    }
    throw invalid(name_of(json) + " is out of range for " + scalar_name<T>() + " (" +
                  std::to_string(std::numeric_limits<T>::min()) + " to " +
                  std::to_string(std::numeric_limits<T>::max()) + ")");
}

template <std::floating_point T>
[[nodiscard]] T decode_float(const Json& json) {
    const auto value = json.get<double>();
    if (std::abs(value) > static_cast<double>(std::numeric_limits<T>::max()))
        throw invalid(name_of(json) + " is out of range for " + scalar_name<T>());
    return static_cast<T>(value);
}

/// The number, if the text is nothing but a whole number as JSON writes it, and a T; anything else is for the parser,
/// which also says what is wrong with it.
template <std::integral T>
[[nodiscard]] std::optional<T> plain_integer(std::string_view text) {
    const auto digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.empty() || (digits.front() == '0' && digits.size() > 1)) return std::nullopt;
    T number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// A JSON value as a T. May move out of `json`.
template <class T>
[[nodiscard]] T decode(Json& json) {
    const auto expect = [&json](bool fits) {
        if (!fits) throw invalid("expected " + expectation<T>() + ", got " + name_of(json));
    };
    if constexpr (std::same_as<T, Json>) {
        return std::move(json);
    } else if constexpr (Scalar<T>) {
        expect(json.is_number());
        if constexpr (std::integral<T>) {
            return decode_integer<T>(json);
        } else {
            return decode_float<T>(json);
        }
    } else if constexpr (std::same_as<T, bool>) {
        expect(json.is_boolean());
        return json.get<bool>();
    } else if constexpr (std::same_as<T, std::string>) {
        expect(json.is_string());
        return std::move(json.get_ref<std::string&>());
    } else if constexpr (!std::is_void_v<ElementOf<T>>) {
        expect(json.is_array());
        T values;
        values.reserve(json.size());
        for (Json& element : json) {
            try {
                values.push_back(decode<ElementOf<T>>(element));
            } catch (const Error& error) {
                throw Error{error.status(), "element " + std::to_string(values.size() + 1) + ": " + error.what()};
            }
        }
        return values;
    } else {
        try {
            return json.get<T>();
        } catch (const Error&) {
            throw;
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception& error) {
            throw invalid("expected " + expectation<T>() + ", got " + name_of(json) + ": " + reason(error));
        }
    }
}

template <Scalar T>
[[nodiscard]] std::vector<T> unpack_array(Bytes body) {
    if (body.size() % sizeof(T) != 0)
        throw invalid("expected packed " + scalar_name<T>() + " of " + std::to_string(sizeof(T)) + " bytes each, got " +
                      std::to_string(body.size()) + " bytes");
    std::vector<T> values(body.size() / sizeof(T));
    if (!body.empty()) std::memcpy(values.data(), body.data(), body.size());
    return values;
}

inline void expect_count(std::size_t got, std::size_t expected, const std::string& what) {
    if (got != expected)
        throw invalid("expected " + std::to_string(expected) + " " + what + ", got " + std::to_string(got));
}

/// A packed body as a T.
template <class T>
[[nodiscard]] T unpack(Bytes body) {
    if constexpr (Scalar<T>) {
        if (body.size() != sizeof(T)) {
            const auto values = unpack_array<T>(body);
            expect_count(values.size(), 1, "packed " + scalar_name<T>());
        }
        T value{};
        std::memcpy(&value, body.data(), sizeof value);
        return value;
    } else if constexpr (Scalar<ElementOf<T>>) {
        const auto values = unpack_array<ElementOf<T>>(body);
        return T(values.begin(), values.end());
    } else {
        throw invalid("expected " + expectation<T>() + " as JSON, got a packed body");
    }
}

template <class T>
[[nodiscard]] Bytes pack(const T& value) {
    if constexpr (Scalar<T>) {
        return std::as_bytes(std::span{&value, 1});
    } else {
        return std::as_bytes(std::span{value.data(), value.size()});
    }
}

/// JSON has no infinity and no not-a-number; the library would silently write null.
template <class T>
void check_finite(const T& value) {
    if constexpr (std::floating_point<T>) {
        if (!std::isfinite(value))
            throw Error{Status::internal, "the result is " + std::to_string(value) + ", which JSON cannot say"};
    } else if constexpr (std::floating_point<ElementOf<T>>) {
        for (const auto element : value) check_finite(element);
    }
}

/// A result as JSON text.
template <class T>
[[nodiscard]] std::string encode(const T& value) {
    check_finite(value);
    try {
        if constexpr (std::same_as<T, Json>) {
            return value.dump();
        } else if constexpr (std::integral<T> && Scalar<T>) {
            return std::to_string(value);
        } else {
            return Json(value).dump();
        }
    } catch (const Json::type_error& error) {
        throw Error{Status::internal, "the result cannot be written as JSON: " + reason(error)};
    }
}

}  // namespace caisson::plugin::detail

#endif  // CAISSON_FACE_CONVERT_HPP
