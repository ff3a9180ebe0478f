// SPDX-License-Identifier: Apache-2.0
#include "dispatch/histogram.hpp"

#include <cmath>
#include <numeric>

namespace caisson::dispatch {

std::uint64_t Histogram::count() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

std::uint64_t Histogram::count_below(int bits) const {
    const auto end = index_of(std::int64_t{1} << bits);
    return std::accumulate(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(end), std::uint64_t{0});
}

Duration Histogram::quantile(double q) const {
    const auto all = count();
    if (all == 0) return Duration::zero();
    const auto wanted = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(all))));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += counts_[i];
        if (seen < wanted) continue;
        const auto begin = i == 0 ? 0 : end_of(i - 1);
        return Duration{begin + (end_of(i) - begin) / 2};
    }
    return Duration::zero();
}

}  // namespace caisson::dispatch
