// SPDX-License-Identifier: Apache-2.0
/// The body of a call, from what was typed: a text, `-` for the standard input, or `@FILE`.
#pragma once

#include <expected>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::cli {

/// Reads until the end, at most `max_bytes` and one more, so that the caller sees when it is too much.
[[nodiscard]] Result<std::string> read_all(int descriptor, std::size_t max_bytes);

/// `in` is what `-` stands for.
[[nodiscard]] Result<std::string> read_body(const std::string& argument, int in);

/// Opens a file for reading; a folder is an error.
[[nodiscard]] Result<Fd> open_input(const std::string& path);

}  // namespace caisson::cli
