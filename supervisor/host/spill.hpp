// SPDX-License-Identifier: Apache-2.0
/// Output that is too large for a frame. It grows in the black box, if the caller copies it and the place is free;
/// else, or when it does not fit there, in a memfd, which is sealed and handed over when the method returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/fd.hpp"
#include "base/result.hpp"
#include "wire/black_box.hpp"

namespace caisson::host {

class Spill {
   public:
    explicit Spill(wire::BlackBox& box) : box_(box) {}

    /// Before the first append: whether this output may stay in the black box.
    void allow_box(bool allowed) { box_allowed_ = allowed; }
    /// True between the first append and the next reset.
    [[nodiscard]] bool used() const { return in_box_ || memory_ || !error_.empty(); }
    /// True if all of it is in the black box.
    [[nodiscard]] bool in_box() const { return in_box_; }
    /// A result that speaks of what is in the black box will be published: the place is taken until the supervisor has
    /// copied it.
    void leave_in_box() { ++boxed_; }
    /// Appends. What goes wrong is told by seal(); after it nothing is kept.
    void append(std::span<const std::byte> bytes);
    /// Seals what was appended against every change.
    [[nodiscard]] Result<void> seal();
    [[nodiscard]] int descriptor() const { return memory_.get(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    void reset();

   private:
    [[nodiscard]] bool append_to_box(std::span<const std::byte> bytes);
    void append_to_memory(std::span<const std::byte> bytes);

    wire::BlackBox& box_;
    std::uint64_t boxed_ = 0;  // results that were left in the box
    bool box_allowed_ = false;
    bool in_box_ = false;
    Fd memory_;
    std::uint64_t bytes_ = 0;
    std::string error_;
};

}  // namespace caisson::host
