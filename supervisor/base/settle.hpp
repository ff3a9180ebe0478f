// SPDX-License-Identifier: Apache-2.0
/// When to act on what comes in bursts: once it was quiet for a while, and after a few such whiles in any case. Pure.
#pragma once

#include <algorithm>
#include <optional>

#include "base/clock.hpp"

namespace caisson {

class Settle {
   public:
    /// Whiles that a burst without a pause is waited for.
    static constexpr int patience = 5;

    explicit Settle(Duration quiet) : quiet_(quiet) {}
    void set_quiet(Duration quiet) { quiet_ = quiet; }

    /// Something happened.
    void note(TimePoint now) {
        if (!first_) first_ = now;
        last_ = now;
    }
    /// When to act; nothing if nothing has happened.
    [[nodiscard]] std::optional<TimePoint> due() const {
        if (!first_) return std::nullopt;
        return std::min(last_ + quiet_, *first_ + patience * quiet_);
    }
    /// It was acted on.
    void done() { first_.reset(); }

   private:
    Duration quiet_;
    std::optional<TimePoint> first_;
    TimePoint last_{};
};

}  // namespace caisson
