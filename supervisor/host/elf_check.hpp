// SPDX-License-Identifier: Apache-2.0
/// Says from the bytes of a file whether this machine can load it as a shared library, and if not, why.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.hpp"

namespace caisson::host {

/// Bytes of a file that check_elf() wants to see: the header and every sensible program header table.
inline constexpr std::size_t elf_start_bytes = 64 * 1024;

/// `start` is the first elf_start_bytes of the file, or all of it; `file_bytes` its whole size.
[[nodiscard]] Result<void> check_elf(std::span<const std::byte> start, std::uint64_t file_bytes);

}  // namespace caisson::host
