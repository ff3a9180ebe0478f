// SPDX-License-Identifier: Apache-2.0
/// What a plugin prints, cut into lines, bounded in every direction. Pure: bytes and times are arguments.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace caisson::fleet {

/// Cuts bytes into lines. A line over the bound is given once, cut, and its rest is dropped up to its end.
class LineSplitter {
   public:
    using Sink = std::function<void(std::string_view line)>;
    void feed(std::string_view bytes, std::size_t max_bytes, const Sink& sink);
    /// The last line, if it has no end.
    void finish(const Sink& sink);

   private:
    std::string partial_;
    bool dropping_ = false;
};

/// Lets through so many lines a second and counts the others.
class LineBudget {
   public:
    /// True if the line may be logged.
    [[nodiscard]] bool take(TimePoint now, std::uint32_t lines_per_second);
    /// Lines held back in seconds that are over; said once.
    [[nodiscard]] std::uint64_t held_back(TimePoint now);

   private:
    void turn(TimePoint now);
    TimePoint second_{};
    std::uint32_t used_ = 0;
    std::uint64_t held_ = 0;         // in this second
    std::uint64_t held_before_ = 0;  // in earlier ones, not said yet
};

/// The last lines, for a crash report.
class OutputTail {
   public:
    void add(std::string_view line);
    [[nodiscard]] std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

   private:
    std::deque<std::string> lines_;
};

}  // namespace caisson::fleet
