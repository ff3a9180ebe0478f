// SPDX-License-Identifier: Apache-2.0
/// How many calls a map has out at once: enough that no worker idles, and no more than end soon. Pure.
///
/// A call's time runs while it waits. With a fixed number ahead, a slow method would have its later calls time out in
/// the queue, before they were begun. So it starts with two calls for each worker, doubles with each round of results,
/// and never holds more than about what ends within `horizon` at the pace of the last results.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "base/clock.hpp"

namespace caisson::cli {

class LookAhead {
   public:
    /// At most so many, however fast they end.
    static constexpr std::size_t max_calls = 8192;

    /// `timeout` of each call, if it was asked for: the horizon is then a part of it.
    LookAhead(std::size_t workers, std::optional<std::chrono::milliseconds> timeout, TimePoint now);

    /// So many calls may be out.
    [[nodiscard]] std::size_t limit() const { return limit_; }
    /// So many have ended.
    void ended(std::size_t calls, TimePoint now);

   private:
    std::size_t start_;
    std::size_t limit_;
    Duration horizon_;
    TimePoint since_;          // of what is measured now
    std::size_t counted_ = 0;  // ended since then
};

}  // namespace caisson::cli
