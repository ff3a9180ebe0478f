// SPDX-License-Identifier: Apache-2.0
/// What somebody probably meant: the known word that is nearest to a misspelt one.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace caisson {

/// Bytes of a word that is compared at all: the work grows with the square, and nobody misspells a longer one.
inline constexpr std::size_t max_suggest_bytes = 64;

/// The Damerau-Levenshtein distance: how many letters must be inserted, removed, replaced or swapped with their
/// neighbour to make one word of the other.
[[nodiscard]] std::size_t edit_distance(std::string_view left, std::string_view right);

/// The word of `known` that is nearest to `word`, or nothing if none is near enough to be meant. Upper and lower case
/// count as the same; of two that are equally near, the first wins.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string_view> known);
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

/// ` (did you mean "workers"?)`, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace caisson
