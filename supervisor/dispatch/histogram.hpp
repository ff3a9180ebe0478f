// SPDX-License-Identifier: Apache-2.0
/// How often which time was measured: counts in buckets that are log-linear, so that each time is known within an
/// eighth of itself, whatever it is, and an addition is a few instructions. Pure.
///
/// The scheme is HdrHistogram's (Gil Tene): each power of two is cut into the same number of equal parts. What is below
/// the unit is in the first buckets, what is above the range in the last one.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/clock.hpp"

namespace caisson::dispatch {

class Histogram {
   public:
    static constexpr int part_bits = 3;    ///< eight parts of each power of two
    static constexpr int unit_bits = 7;    ///< the width of the first buckets: 128 ns
    static constexpr int range_bits = 43;  ///< times from 2^43 ns, 2.4 hours, are one
    static constexpr std::size_t buckets = std::size_t{range_bits - unit_bits - part_bits + 1} << part_bits;

    /// Which bucket a time is in. Below zero counts as zero.
    [[nodiscard]] static std::size_t index_of(std::int64_t time_ns) {
        const auto units = static_cast<std::uint64_t>(std::max<std::int64_t>(time_ns, 0)) >> unit_bits;
        const int octave = std::max(0, static_cast<int>(std::bit_width(units)) - part_bits - 1);
        const auto index = (static_cast<std::size_t>(octave) << part_bits) + (units >> octave);
        return std::min(index, buckets - 1);
    }
    /// The first time that is beyond a bucket.
    [[nodiscard]] static std::int64_t end_of(std::size_t index) {
        constexpr std::size_t parts = std::size_t{1} << part_bits;
        const auto octave = index < 2 * parts ? 0 : (index >> part_bits) - 1;
        return static_cast<std::int64_t>((index - (octave << part_bits) + 1) << octave << unit_bits);
    }

    void add(std::size_t index, std::uint32_t count) { counts_[index] += count; }
    void add(const Histogram& other) {
        for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
    }
    void clear() { counts_.fill(0); }

    [[nodiscard]] std::uint64_t count() const;
    /// How many were below 2^`bits` ns: that is the end of a bucket.
    [[nodiscard]] std::uint64_t count_below(int bits) const;
    /// The time that the part `q` of all, 0 to 1, did not exceed: the middle of its bucket. Zero if there is none.
    [[nodiscard]] Duration quantile(double q) const;

   private:
    std::array<std::uint64_t, buckets> counts_{};
};

}  // namespace caisson::dispatch
