// SPDX-License-Identifier: Apache-2.0
/// The body of a call, from what was typed: a text, `-` for the standard input, or `@FILE`.
#pragma once

#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::cli {

/// A short body is a text. A longer one is in a sealed memfd, so that it is copied once and never held twice.
struct Body {
    std::string text;
    Fd memory;
};

/// `in` is what `-` stands for. Waits for the end of the input.
[[nodiscard]] Result<Body> read_body(const std::string& argument, int in);

/// Opens a file for reading; a folder is an error.
[[nodiscard]] Result<Fd> open_input(const std::string& path);

}  // namespace caisson::cli
