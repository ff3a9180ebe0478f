// SPDX-License-Identifier: Apache-2.0
/// From a C++ function to what serves a call: which parameter is what, and exceptions to statuses.
#ifndef CAISSON_FACE_FUNCTION_HPP
#define CAISSON_FACE_FUNCTION_HPP

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "../ext/items.h"
#include "../plugin.h"
#include "call.hpp"
#include "convert.hpp"
#include "types.hpp"
#include "what.hpp"

namespace caisson::plugin::detail {

enum class Role { state, call, input };

/// What a parameter of type P is for.
template <class P>
[[nodiscard]] constexpr Role role() {
    using T = std::remove_cvref_t<P>;
    static_assert(!std::is_pointer_v<T> && !std::same_as<T, std::string_view>,
                  "a pointer or a view has nothing to point to: take std::string for a JSON string, "
                  "caisson::plugin::Bytes for the body as it is");
    if constexpr (std::same_as<T, Call>) {
        static_assert(std::is_lvalue_reference_v<P>, "take the call as caisson::plugin::Call&");
        return Role::call;
    } else if constexpr (std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>) {
        static_assert(!Scalar<T> && std::is_void_v<ElementOf<T>> && !std::same_as<T, std::string>,
                      "a non-const reference is the plugin's state: take input by value or by const reference");
        return Role::state;
    } else {
        return Role::input;
    }
}

template <class P>
using InputOf = std::conditional_t<role<P>() == Role::input, std::tuple<std::remove_cvref_t<P>>, std::tuple<>>;

/// The inputs among parameters, in order, as a tuple of values.
template <class... P>
using InputsOf = decltype(std::tuple_cat(std::declval<InputOf<P>>()...));

/// The type of the state among parameters, or void.
template <class... P>
struct StateOf : std::type_identity<void> {};
template <class First, class... Rest>
struct StateOf<First, Rest...> : std::conditional_t<role<First>() == Role::state,
                                                    std::type_identity<std::remove_cvref_t<First>>, StateOf<Rest...>> {
};

/// An address that stands for the type, so that no RTTI is needed.
template <class T>
inline constexpr char type_tag = 0;

template <class... T>
inline constexpr bool uniform = false;
template <class First, class... Rest>
inline constexpr bool uniform<First, Rest...> = Scalar<First> && (std::same_as<First, Rest> && ...);

/// Text that a counted UTF-8 field may carry.
[[nodiscard]] inline std::string as_utf8(std::string_view text) {
    const auto quoted = Json(std::string{text}).dump(-1, ' ', false, Json::error_handler_t::replace);
    return Json::parse(quoted).get<std::string>();
}

/// Hands a text to `report`, made UTF-8 if it is not.
template <class Report>
void report_text(const char* what, Report& report) {
    const std::string_view text = what == nullptr || *what == '\0' ? "an exception without a text" : what;
    const auto ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (std::ranges::all_of(text, ascii)) return report(text);
    report(std::string_view{as_utf8(text)});
}

/// The text for something thrown that has none: its type, and `why` there is no more to say; only in a handler.
template <class Report>
void report_type(Report& report, const char* why) {
    const std::type_info* const type = abi::__cxa_current_exception_type();
    int failed = 1;
    const std::unique_ptr<char, decltype(&std::free)> name{
        type == nullptr ? nullptr : abi::__cxa_demangle(type->name(), nullptr, nullptr, &failed), &std::free};
    std::array<char, 200> text{};
    std::snprintf(text.data(), text.size(), "threw %s, %s", name ? name.get() : "something of another language", why);
    report_text(text.data(), report);
}

/// Runs `work`. An exception becomes a status, and its text goes to `report`.
template <class Work, class Report>
[[nodiscard]] caisson_status guarded(Work&& work, Report&& report) noexcept {
    try {
        work();
        return CAISSON_OK;
    } catch (const Error& error) {
        report_text(error.what(), report);
        return static_cast<caisson_status>(error.status());
    } catch (const std::exception& error) {
        if (const char* const text = what_of(error))
            report_text(text, report);
        else
            report_type(report, "whose what() throws as well");
    } catch (...) {
        report_type(report, "which is not a std::exception");
    }
    return CAISSON_INTERNAL;
}

/// How the inputs of a method are read from a body.
template <class Inputs>
struct Body;

template <>
struct Body<std::tuple<>> {
    [[nodiscard]] static std::string type(bool has_call) { return has_call ? "bytes" : "none"; }
    /// A method that takes the call reads the body itself; one that takes nothing must not be given anything.
    [[nodiscard]] static std::tuple<> read(Bytes bytes, Encoding, bool has_call) {
        const auto body = text(bytes);
        if (!has_call && body.find_first_not_of(" \t\r\n") != std::string_view::npos && body != "null")
            throw invalid("expected no input, got '" + excerpt(body) + "'");
        return {};
    }
};

template <class T>
struct Body<std::tuple<T>> {
    [[nodiscard]] static std::string type(bool) { return type_name<T>(); }
    [[nodiscard]] static std::tuple<T> read(Bytes body, Encoding encoding, bool) {
        static_assert(std::same_as<T, Bytes> || !is_raw<T>, "take the body as caisson::plugin::Bytes");
        if constexpr (std::same_as<T, Bytes>) {
            return {body};
        } else {
            if (encoding == Encoding::packed) return {unpack<T>(body)};
            if constexpr (std::integral<T> && Scalar<T>)
                if (const auto number = plain_integer<T>(text(body))) return {*number};
            Json json = parse(text(body), expectation<T>());
            return {decode<T>(json)};
        }
    }
};

template <class First, class... Rest>
struct Body<std::tuple<First, Rest...>> {
    static constexpr std::size_t count = 1 + sizeof...(Rest);
    static_assert(!is_raw<First> && (!is_raw<Rest> && ...), "Bytes is the whole body: it must be the only input");

    [[nodiscard]] static std::string type(bool) {
        if constexpr (uniform<First, Rest...>) {
            return scalar_name<First>() + "[]";
        } else {
            return "json";
        }
    }
    [[nodiscard]] static std::tuple<First, Rest...> read(Bytes body, Encoding encoding, bool) {
        if (encoding == Encoding::packed) return unpack_all(body, std::make_index_sequence<count>{});
        const auto expected = "an array of " + std::to_string(count) + " arguments";
        Json json = parse(text(body), expected);
        if (!json.is_array()) throw invalid("expected " + expected + ", got " + name_of(json));
        expect_count(json.size(), count, "arguments");
        return decode_all(json, std::make_index_sequence<count>{});
    }

   private:
    template <std::size_t... I>
    [[nodiscard]] static std::tuple<First, Rest...> decode_all(Json& json, std::index_sequence<I...>) {
        return {decode_argument<std::tuple_element_t<I, std::tuple<First, Rest...>>>(json[I], I)...};
    }
    template <class T>
    [[nodiscard]] static T decode_argument(Json& json, std::size_t index) {
        try {
            return decode<T>(json);
        } catch (const Error& error) {
            throw Error{error.status(), "argument " + std::to_string(index + 1) + ": " + error.what()};
        }
    }
    template <std::size_t... I>
    [[nodiscard]] static std::tuple<First, Rest...> unpack_all(Bytes body, std::index_sequence<I...>) {
        if constexpr (uniform<First, Rest...>) {
            const auto values = unpack_array<First>(body);
            expect_count(values.size(), count, "packed " + scalar_name<First>());
            return {values[I]...};
        } else {
            throw invalid("expected " + std::to_string(count) + " arguments as JSON, got a packed body");
        }
    }
};

/// Hands a result to `take`, as bytes in the encoding that the input's calls for.
template <class R, class Take>
void answer(Encoding input, const R& result, Take&& take) {
    if constexpr (std::same_as<R, Raw>) {
        take(Encoding::bytes, std::as_bytes(std::span{result.bytes}));
    } else if constexpr (is_raw<R>) {
        take(Encoding::bytes, Bytes{result});
    } else {
        if constexpr (Scalar<R> || Scalar<ElementOf<R>>) {
            if (input == Encoding::packed) return take(Encoding::packed, pack(result));
        }
        const auto json = encode(result);
        take(Encoding::json, std::as_bytes(std::span{json}));
    }
}

/// Everything that is known of a function from its type.
template <class R, class... P>
struct Function {
    using Result = std::remove_cvref_t<R>;
    using Inputs = InputsOf<P...>;
    static_assert(!std::is_pointer_v<Result> && !std::same_as<Result, std::string_view> && !std::same_as<Result, Bytes>,
                  "a result must own its bytes: return std::string or caisson::plugin::Raw");

    static constexpr std::array<Role, sizeof...(P)> roles{role<P>()...};
    static constexpr bool has_call = std::ranges::count(roles, Role::call) > 0;
    static_assert(std::ranges::count(roles, Role::state) <= 1, "there is one state");

    [[nodiscard]] static std::string input() { return Body<Inputs>::type(has_call); }
    [[nodiscard]] static std::string output() {
        return std::is_void_v<Result> && has_call ? "bytes" : type_name<Result>();
    }

    template <class F>
    static void serve(F& function, void* state, Call& call) {
        auto inputs = Body<Inputs>::read(call.body(), call.encoding(), has_call);
        invoke(function, state, &call, inputs, call.encoding(), [&call](Encoding encoding, Bytes bytes) {
            call.set_encoding(encoding);
            call.write(bytes);
        });
    }

    /// Many calls in one crossing. Not for functions that take the call, for there is none.
    template <class F>
    static void serve_items(F& function, void* state, const caisson_items& items) {
        static_assert(!has_call);
        const auto encoding = static_cast<Encoding>(items.encoding);
        std::string why;
        const auto report = [&why](std::string_view text) { why = text; };
        const auto take = [&items](Encoding means, Bytes bytes) {
            items.answer(items.context, static_cast<std::uint32_t>(means), bytes.data(), bytes.size());
        };
        for (caisson_view body; items.begin(items.context, &body) != 0;) {
            const Bytes bytes{static_cast<const std::byte*>(body.data), body.size};
            const auto status = guarded(
                [&] {
                    auto inputs = Body<Inputs>::read(bytes, encoding, false);
                    invoke(function, state, nullptr, inputs, encoding, take);
                    if constexpr (std::is_void_v<Result>) take(Encoding::bytes, {});
                },
                report);
            if (status != CAISSON_OK) items.fail(items.context, status, why.data(), why.size());
        }
    }

   private:
    /// How many inputs stand before parameter `index`.
    [[nodiscard]] static constexpr std::size_t place(std::size_t index) {
        return static_cast<std::size_t>(std::ranges::count(roles | std::views::take(index), Role::input));
    }
    template <class T, std::size_t I>
    [[nodiscard]] static decltype(auto) argument(void* state, Call* call, Inputs& inputs) {
        if constexpr (roles[I] == Role::call) {
            return (*call);
        } else if constexpr (roles[I] == Role::state) {
            return *static_cast<std::remove_cvref_t<T>*>(state);
        } else {
            return std::forward<T>(std::get<place(I)>(inputs));
        }
    }
    template <class F, class Take>
    static void invoke(F& function, void* state, Call* call, Inputs& inputs, Encoding encoding, Take&& take) {
        const auto run = [&]<std::size_t... I>(std::index_sequence<I...>) -> R {
            return function(argument<P, I>(state, call, inputs)...);
        };
        constexpr std::index_sequence_for<P...> all;
        if constexpr (std::is_void_v<Result>) {
            run(all);
        } else {
            answer<Result>(encoding, run(all), take);
        }
    }
};

}  // namespace caisson::plugin::detail

#endif  // CAISSON_FACE_FUNCTION_HPP
