// SPDX-License-Identifier: Apache-2.0
/// The JSON that the client reads and writes: the only place of the client that knows a JSON library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "client/client.hpp"
#include "wire/frame.hpp"

namespace caisson::client {

/// The field of a JSON object from the service, if it is there and a text; else "".
[[nodiscard]] std::string text_field(std::string_view json, const char* name);

/// Why the service says goodbye, and what to do.
[[nodiscard]] std::string goodbye_text(std::string_view json);

/// What the client says of itself in its first frame.
[[nodiscard]] std::string hello_text();

/// The end of a call, or of items of a batch, whose session was lost.
[[nodiscard]] Done lost_call(std::uint64_t call, wire::ItemRange items, const std::string& why);

/// The end of a call whose output came in a memfd that this process cannot map.
[[nodiscard]] CallResult unmapped(std::uint64_t call, std::uint64_t output_bytes, int error);

}  // namespace caisson::client
