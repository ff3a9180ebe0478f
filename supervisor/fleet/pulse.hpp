// SPDX-License-Identifier: Apache-2.0
/// Whether a worker still gets to run: its signs of life, judged. Pure: time is an argument.
///
/// A deadline finds a call that takes too long. It does not find a process that is stopped or frozen while nothing with
/// a deadline runs in it. The supervisor looks every quarter of `heartbeat` at workers that owe it something, and one
/// that gave no sign through `heartbeat` of looks is given up.
///
/// Only looks that came in time count. If the supervisor itself was stopped, or had no processor, its looks come late:
/// then what the worker sent meanwhile has not been read yet, and the count begins anew. The clock is monotonic, so the
/// time of day has no part in it.
#pragma once

#include <cstdint>

#include "base/clock.hpp"

namespace caisson::fleet {

/// Looks in one `heartbeat`.
inline constexpr int looks_per_heartbeat = 4;

/// True if a look that was to follow the one before after `tick` came so late that it proves nothing.
[[nodiscard]] constexpr bool is_late(Duration elapsed, Duration tick) { return elapsed > tick + tick / 2; }

class Pulse {
   public:
    /// One look. `sign` changes whenever the worker does something. `owes`: a sign is due from it. `elapsed`: since the
    /// look before; `late`: that was too long. For how long it has been silent.
    Duration look(std::uint64_t sign, bool owes, Duration elapsed, bool late) {
        if (!owes || late || sign != sign_)
            silent_ = Duration::zero();
        else
            silent_ += elapsed;
        sign_ = sign;
        return silent_;
    }

   private:
    std::uint64_t sign_ = 0;
    Duration silent_{};
};

}  // namespace caisson::fleet
