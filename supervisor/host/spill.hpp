// SPDX-License-Identifier: Apache-2.0
/// Output that is too large for a frame: it grows in a memfd, which is sealed and handed over when the method returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace caisson::host {

class Spill {
   public:
    /// True between the first append and the next reset.
    [[nodiscard]] bool used() const { return memory_ || !error_.empty(); }
    /// Appends. What goes wrong is told by seal(); after it nothing is kept.
    void append(std::span<const std::byte> bytes);
    /// Seals what was appended against every change.
    [[nodiscard]] Result<void> seal();
    [[nodiscard]] int descriptor() const { return memory_.get(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    void reset();

   private:
    Fd memory_;
    std::uint64_t bytes_ = 0;
    std::string error_;
};

}  // namespace caisson::host
