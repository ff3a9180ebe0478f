// SPDX-License-Identifier: Apache-2.0
/// What the exit code of the command says. Scripts rely on it: numbers are added, never reused.
#pragma once

#include "client/client.hpp"

namespace caisson::cli {

inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;      ///< the plugin returned an error
inline constexpr int exit_usage = 2;       ///< what was typed is wrong
inline constexpr int exit_no_service = 3;  ///< no supervisor there, or it was lost
inline constexpr int exit_crashed = 4;
inline constexpr int exit_timed_out = 5;
inline constexpr int exit_refused = 6;
inline constexpr int exit_invalid = 7;  ///< a configuration or plugin that is not valid
inline constexpr int exit_cancelled = 8;
inline constexpr int exit_io = 9;  ///< the command could not read its input or write its output

[[nodiscard]] constexpr int exit_code(Outcome outcome) {
    switch (outcome) {
        case Outcome::ok:
            return exit_ok;
        case Outcome::failed:
            return exit_failed;
        case Outcome::crashed:
            return exit_crashed;
        case Outcome::timed_out:
            return exit_timed_out;
        case Outcome::cancelled:
            return exit_cancelled;
        case Outcome::refused:
            return exit_refused;
    }
    return exit_failed;
}

[[nodiscard]] constexpr int exit_code(ClientError::Kind kind) {
    switch (kind) {
        case ClientError::Kind::too_large:
            return exit_refused;
        case ClientError::Kind::invalid:
            return exit_usage;
        case ClientError::Kind::timeout:
            return exit_timed_out;
        default:
            return exit_no_service;
    }
}

}  // namespace caisson::cli
