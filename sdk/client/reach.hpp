// SPDX-License-Identifier: Apache-2.0
/// Reaching the service's socket: the connection, or a diagnosis of why there is none.
#pragma once

#include <chrono>
#include <expected>
#include <filesystem>

#include "client/client.hpp"

namespace caisson::client {

/// A connected, non-blocking socket that the caller closes.
[[nodiscard]] std::expected<int, ClientError> reach(const std::filesystem::path& socket,
                                                    std::chrono::milliseconds patience);

}  // namespace caisson::client
