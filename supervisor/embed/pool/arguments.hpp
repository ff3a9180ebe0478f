// SPDX-License-Identifier: Apache-2.0
/// Several arguments of one call as one input: what starmap makes of tuples.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "values.hpp"

namespace caisson::detail {

template <class T>
concept TupleLike = requires { std::tuple_size<std::remove_cvref_t<T>>::value; };

template <class First, class... Rest>
inline constexpr bool uniform = face::Scalar<First> && (std::same_as<First, Rest> && ...);

/// An array of the arguments: of scalars if they are of one type, which may travel packed, else JSON.
template <class... T>
[[nodiscard]] auto as_array(const T&... values) {
    if constexpr (uniform<T...>) {
        return std::vector<std::common_type_t<T...>>{values...};
    } else {
        if (!(is_finite(values) && ...)) throw PoolError("an argument is a number that JSON cannot say");
        Json array = Json::array();
        (array.push_back(values), ...);
        return array;
    }
}

/// A std::tuple, pair or array; other ranges of arguments, and JSON, are arrays already.
template <class T>
[[nodiscard]] auto arguments_of(const T& arguments) {
    if constexpr (TupleLike<T>) {
        return std::apply([](const auto&... values) { return as_array(values...); }, arguments);
    } else {
        return arguments;
    }
}
template <class T>
[[nodiscard]] std::vector<T> arguments_of(const std::initializer_list<T>& arguments) {
    return arguments;
}

}  // namespace caisson::detail
