// SPDX-License-Identifier: Apache-2.0
/// One line at the bottom of a terminal that says how far something is. Not drawn where nobody looks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace caisson::cli {

/// What the line shows.
struct Advance {
    std::uint64_t done = 0;
    std::uint64_t failed = 0;
    double fraction = -1;  ///< of the whole; below 0: not known
};

/// The text of the line. Pure.
[[nodiscard]] std::string progress_text(const Advance& advance, double elapsed_s, std::size_t columns);

class ProgressLine {
   public:
    /// Draws only if `descriptor` is a terminal and `wanted`.
    ProgressLine(int descriptor, bool wanted);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() { clear(); }

    [[nodiscard]] bool active() const { return active_; }
    /// Draws anew, at most ten times a second.
    void show(const Advance& advance);
    void show(std::string_view text);
    /// Removes the line, for other text to take its place.
    void clear();

   private:
    [[nodiscard]] bool due();
    void draw(std::string_view text);
    [[nodiscard]] std::size_t columns() const;

    int descriptor_;
    bool active_ = false;
    bool drawn_ = false;
    TimePoint started_ = Clock::now();
    TimePoint next_ = started_ + std::chrono::milliseconds{200};
};

}  // namespace caisson::cli
