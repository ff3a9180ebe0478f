// SPDX-License-Identifier: Apache-2.0
/// Sealed memfds: bytes that travel to another process as a descriptor, and that nobody can change on their way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "client/descriptor.hpp"

namespace caisson::client {

/// A sealed memfd with a copy of `bytes`; else the error number.
[[nodiscard]] std::expected<Descriptor, int> sealed_copy(std::span<const std::byte> bytes);

/// How many bytes are in a memfd that nobody can change any more. Nothing if it is no memfd, or can still shrink, grow
/// or be written.
[[nodiscard]] std::optional<std::uint64_t> sealed_size(int descriptor);

}  // namespace caisson::client
