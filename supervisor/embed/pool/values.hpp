// SPDX-License-Identifier: Apache-2.0
/// Values to bodies and results to values, by what a method declares: packed where the types agree, else JSON, and
/// bytes as they are. The conversions themselves are the plugin face's.
#pragma once

#include <algorithm>
#include <array>
#include <caisson/face/convert.hpp>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <expected>
#include <iterator>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "options.hpp"

namespace caisson {

/// Any JSON value; may be input and result.
using Json = plugin::Json;

/// Stands for the input of a method that takes none.
struct NoInput {};
inline constexpr NoInput no_input{};

namespace detail {

namespace face = plugin::detail;

/// A body that was made from a value; may point into the value and into the encoder.
struct Encoded {
    BodyEncoding encoding = BodyEncoding::bytes;
    std::span<const std::byte> bytes = {};
};

template <class T>
concept ByteSequence =
    std::ranges::contiguous_range<const T> && std::same_as<std::ranges::range_value_t<const T>, std::byte>;
template <class T>
concept Text = std::convertible_to<const T&, std::string_view> && !std::same_as<T, Json>;

/// Calls `visit` with a 0 of the scalar type of this name; false if there is none.
template <class Visit>
bool with_scalar(std::string_view name, Visit&& visit) {
    const auto is = [&]<class T>(T zero) { return name == face::scalar_name<T>() && (visit(zero), true); };
    return is(std::int64_t{}) || is(double{}) || is(std::int32_t{}) || is(std::uint64_t{}) || is(std::uint32_t{}) ||
           is(float{}) || is(std::int16_t{}) || is(std::uint16_t{}) || is(std::int8_t{}) || is(std::uint8_t{});
}

template <class T>
[[nodiscard]] bool is_finite(const T& value) {
    if constexpr (std::floating_point<T>) {
        return std::isfinite(value);
    } else if constexpr (std::floating_point<face::ElementOf<T>>) {
        return std::ranges::all_of(value, [](auto element) { return std::isfinite(element); });
    } else {
        return true;
    }
}

/// Makes bodies of Ins for one method.
template <class In>
class Encoder {
   public:
    explicit Encoder(const MethodInfo& method) : method_(&method), same_type_(face::type_name<In>() == method.input) {
        if (!std::same_as<In, NoInput> && method.input == "none")
            throw PoolError("method " + method.name + " takes no input");
    }

    /// True if the memory of an In is the packed body.
    [[nodiscard]] bool as_it_is() const { return same_type_; }

    /// Lives until the value or the encoder goes, or the next body is made.
    [[nodiscard]] Encoded operator()(const In& value) {
        if constexpr (std::same_as<In, NoInput>) {
            return {};
        } else if constexpr (std::same_as<In, plugin::Raw>) {
            return {BodyEncoding::bytes, std::as_bytes(std::span{value.bytes})};
        } else if constexpr (ByteSequence<In>) {
            return {BodyEncoding::bytes, std::span<const std::byte>{value}};
        } else if constexpr (Text<In>) {
            const std::string_view text{value};
            if (method_->input == "bytes") return {BodyEncoding::bytes, std::as_bytes(std::span{text})};
            return as_json(std::string{text});
        } else if constexpr (face::Scalar<In>) {
            if (same_type_) return {BodyEncoding::packed, face::pack(value)};
            if (pack_as_declared(value)) return {BodyEncoding::packed, std::span{scalar_}.first(scalar_bytes_)};
            return as_json(value);
        } else if constexpr (face::Scalar<face::ElementOf<In>>) {
            if (same_type_) return {BodyEncoding::packed, face::pack(value)};
            return as_json(value);
        } else {
            return as_json(value);
        }
    }

   private:
    // A whole number of another type than the declared one, where it fits: people write 7, not std::int64_t{7}.
    [[nodiscard]] bool pack_as_declared(const In& value) {
        if constexpr (std::integral<In>) {
            bool fits = false;
            with_scalar(method_->input, [&]<class T>(T) {
                if constexpr (std::integral<T>) {
                    if (!(fits = std::in_range<T>(value))) return;
                    const auto converted = static_cast<T>(value);
                    std::memcpy(scalar_.data(), &converted, sizeof converted);
                    scalar_bytes_ = sizeof converted;
                }
            });
            return fits;
        } else {
            return false;
        }
    }

    template <class T>
    [[nodiscard]] Encoded as_json(const T& value) {
        if (!is_finite(value)) throw PoolError("the input of " + method_->name + " has a number that JSON cannot say");
        try {
            text_ = face::encode(value);
        } catch (const std::exception& error) {
            throw PoolError("the input of " + method_->name + " cannot be written as JSON: " + face::reason(error));
        }
        return {BodyEncoding::json, std::as_bytes(std::span{text_})};
    }

    const MethodInfo* method_;
    bool same_type_;
    std::string text_;
    std::array<std::byte, 8> scalar_{};
    std::size_t scalar_bytes_ = 0;
};

/// A packed result as JSON, by the type that its method declares.
[[nodiscard]] inline Json packed_as_json(std::string_view declared, plugin::Bytes bytes) {
    const bool array = declared.ends_with("[]");
    Json json;
    const bool known = with_scalar(array ? declared.substr(0, declared.size() - 2) : declared, [&]<class T>(T) {
        if (array) {
            json = face::unpack<std::vector<T>>(bytes);
        } else {
            json = face::unpack<T>(bytes);
        }
    });
    if (!known) throw face::invalid("the method does not say of which type its packed result is");
    return json;
}

/// Makes Ts of the results of one method.
template <class T>
class Decoder {
   public:
    Decoder() = default;
    explicit Decoder(const MethodInfo& method) : declared_(method.output) {
        if constexpr (!std::is_void_v<T>) as_it_is_ = declared_ == face::type_name<T>();
    }

    /// The error says what is wrong with it.
    [[nodiscard]] std::expected<T, std::string> operator()(BodyEncoding encoding, std::string_view text) const {
        try {
            if constexpr (std::is_void_v<T>) {
                return {};
            } else {
                return decode(encoding, text);
            }
        } catch (const std::exception& error) {
            return std::unexpected(std::string{error.what()});
        }
    }

    /// True if a packed result is the memory of a T.
    [[nodiscard]] bool as_it_is() const { return as_it_is_; }

   private:
    [[nodiscard]] T decode(BodyEncoding encoding, std::string_view text) const {
        const plugin::Bytes bytes = std::as_bytes(std::span{text});
        if constexpr (std::same_as<T, plugin::Raw>) {
            return T{std::string{text}};
        } else if constexpr (face::is_raw<T>) {
            return T(bytes.begin(), bytes.end());
        } else if constexpr (std::same_as<T, std::string>) {
            if (encoding == BodyEncoding::bytes) return T{text};
        }
        if constexpr (!face::is_raw<T>) {
            if (encoding != BodyEncoding::packed) {
                Json json = face::parse(text, face::expectation<T>());
                return face::decode<T>(json);
            }
            if constexpr (face::Scalar<T> || face::Scalar<face::ElementOf<T>>)
                if (as_it_is_) return face::unpack<T>(bytes);
            Json json = packed_as_json(declared_, bytes);
            return face::decode<T>(json);
        }
    }

    std::string declared_;
    bool as_it_is_ = false;
};

}  // namespace detail
}  // namespace caisson
