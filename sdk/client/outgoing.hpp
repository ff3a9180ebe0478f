// SPDX-License-Identifier: Apache-2.0
/// From a CallRequest to what leaves: the checks, the header, and a large body in memory of its own.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "client/client.hpp"
#include "client/descriptor.hpp"
#include "wire/frame.hpp"

namespace caisson::client {

/// Why a request cannot be sent, apart from its body.
[[nodiscard]] std::optional<ClientError> fault_of(const CallRequest& request);
/// The same for a request that operates the service.
[[nodiscard]] std::optional<ClientError> fault_of_request(std::string_view json);

[[nodiscard]] wire::Header header_of(const CallRequest& request, wire::Type type, std::uint64_t id);

/// The body as it leaves. Borrows from the request.
struct OutgoingBody {
    bool detached = false;
    std::span<const std::byte> bytes = {};
    Descriptor memory = {};          ///< detached: what they are in
    std::uint64_t memory_bytes = 0;  ///< and how many

    /// What stands in the frame.
    [[nodiscard]] std::span<const std::byte> in_frame() const {
        return detached ? std::as_bytes(std::span{&memory_bytes, 1}) : bytes;
    }
};
[[nodiscard]] std::expected<OutgoingBody, ClientError> body_of(const CallRequest& request);

}  // namespace caisson::client
