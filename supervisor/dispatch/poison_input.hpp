// SPDX-License-Identifier: Apache-2.0
/// The bytes of a body, wherever they are, for as long as it takes to name them. A memfd is read, never mapped; one
/// that is too large to read in passing has no bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/fd.hpp"

namespace caisson::dispatch {

class PoisonBody {
   public:
    /// `memory` may be null: then it is `body`.
    PoisonBody(const Fd* memory, std::uint64_t memory_bytes, std::span<const std::byte> body);
    PoisonBody(const PoisonBody&) = delete;
    PoisonBody& operator=(const PoisonBody&) = delete;

    /// False if there are no bytes to name it by.
    [[nodiscard]] explicit operator bool() const { return known_; }
    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

   private:
    std::vector<std::byte> copy_;
    std::span<const std::byte> bytes_;
    bool known_ = true;
};

}  // namespace caisson::dispatch
