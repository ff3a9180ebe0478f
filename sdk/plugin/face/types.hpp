// SPDX-License-Identifier: Apache-2.0
/// The words of the C++ face: statuses, encodings, bytes, and the exception that chooses a status.
#ifndef CAISSON_FACE_TYPES_HPP
#define CAISSON_FACE_TYPES_HPP

#include <bit>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../plugin.h"

namespace caisson::plugin {

static_assert(std::endian::native == std::endian::little, "packed bodies are the memory of a little-endian machine");

using Json = nlohmann::json;
/// The body as it is; valid until the method returns.
using Bytes = std::span<const std::byte>;

/// A result that is written as it is, not as JSON.
struct Raw {
    std::string bytes;
};

enum class Status : std::uint32_t {
    invalid_argument = CAISSON_INVALID_ARGUMENT,  ///< params or body are not what the method takes
    not_found = CAISSON_NOT_FOUND,                ///< what the call names does not exist
    unavailable = CAISSON_UNAVAILABLE,            ///< cannot be done now; the same call may succeed later
    cancelled = CAISSON_CANCELLED,                ///< gave up because cancelled() said so
    internal = CAISSON_INTERNAL,                  ///< anything else went wrong
};

enum class Encoding : std::uint32_t { bytes = CAISSON_BYTES, json = CAISSON_JSON, packed = CAISSON_PACKED };

/// Ends a call with a status of the method's choice. The message is for people and says what to do about it.
class Error : public std::runtime_error {
   public:
    Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
    [[nodiscard]] Status status() const noexcept { return status_; }

   private:
    Status status_;
};

/// The bytes as text. Nothing is checked.
[[nodiscard]] inline std::string_view text(Bytes bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace caisson::plugin

#endif  // CAISSON_FACE_TYPES_HPP
