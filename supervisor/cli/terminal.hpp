// SPDX-License-Identifier: Apache-2.0
/// The size of the terminal behind a descriptor.
#pragma once

#include <cstddef>
#include <optional>

namespace caisson::cli {

struct TerminalSize {
    std::size_t columns = 0;
    std::size_t rows = 0;
};

/// Nothing if it is no terminal, or one that does not tell.
[[nodiscard]] std::optional<TerminalSize> terminal_size(int descriptor);

}  // namespace caisson::cli
