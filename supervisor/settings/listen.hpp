// SPDX-License-Identifier: Apache-2.0
/// Where the service answers HTTP, as `metrics.listen` says it: beside its own socket, at a path, at an address, or
/// nowhere. Pure.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace caisson::settings {

struct Listen {
    enum class Kind : std::uint8_t { off, beside, path, tcp };
    Kind kind = Kind::beside;
    std::filesystem::path path = {};  ///< of a path: as written
    std::string host = {};            ///< of an address: a number, without brackets
    std::uint16_t port = 0;           ///< 0: one that is free

    bool operator==(const Listen&) const = default;
};

/// "unix", "off", a path with a slash in it, "127.0.0.1:9464", "localhost:9464", "[::1]:9464". Names are not looked up:
/// that would wait for another machine.
[[nodiscard]] Result<Listen> parse_listen(std::string_view text);

/// "caisson.sock" -> "caisson.http.sock".
[[nodiscard]] std::filesystem::path http_socket_beside(const std::filesystem::path& socket);

/// Only this machine reaches this address.
[[nodiscard]] bool is_loopback(std::string_view host);
/// It is the number of an address, of either kind.
[[nodiscard]] bool is_address(std::string_view host);

}  // namespace caisson::settings
