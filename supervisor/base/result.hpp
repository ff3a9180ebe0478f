// SPDX-License-Identifier: Apache-2.0
/// What a function returns when it can fail in a way that a caller must handle: a value or an Error.
///
/// Expected errors are Results; bugs are `check`s, which stay on in release builds; exceptions cross no folder.
#pragma once

#include <expected>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace caisson {

/// An error as a person reads it: what went wrong, and what to do about it.
struct Error {
    std::string what;  ///< what, where and why, in one sentence without a final stop
    std::string hint;  ///< what to do; may be empty
    int number = 0;    ///< errno, where a system call said no

    /// Both sentences on one line.
    [[nodiscard]] std::string text() const { return hint.empty() ? what : what + ": " + hint; }
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(std::string what, std::string hint = {}) {
    return std::unexpected(Error{std::move(what), std::move(hint)});
}

/// The error of a system call: "what: text of errno".
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view what, int number);

/// Ends the process with the place and the reason if `holds` is false. For bugs, never for input.
void check(bool holds, std::string_view reason, std::source_location where = std::source_location::current());

}  // namespace caisson
