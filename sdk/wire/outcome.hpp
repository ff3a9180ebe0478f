// SPDX-License-Identifier: Apache-2.0
/// How a call ended: the six outcomes, their words, and the exit codes that the command gives them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace caisson::wire {

/// Exactly one per accepted call. The numbers are on the wire.
enum class OutcomeKind : std::uint8_t { ok = 0, failed = 1, crashed = 2, timed_out = 3, cancelled = 4, refused = 5 };

inline constexpr std::array<std::string_view, 6> outcome_words = {"ok",        "failed",    "crashed",
                                                                  "timed_out", "cancelled", "refused"};

[[nodiscard]] constexpr std::string_view word(OutcomeKind kind) {
    return outcome_words[static_cast<std::size_t>(kind)];
}

[[nodiscard]] constexpr std::optional<OutcomeKind> outcome_from(std::uint32_t number) {
    if (number >= outcome_words.size()) return std::nullopt;
    return static_cast<OutcomeKind>(number);
}

/// The words of caisson_status, in its order.
inline constexpr std::array<std::string_view, 6> status_words = {"ok",          "invalid_argument", "not_found",
                                                                 "unavailable", "cancelled",        "internal"};

}  // namespace caisson::wire
