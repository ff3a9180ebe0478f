// SPDX-License-Identifier: Apache-2.0
/// What a reload changes: the difference between the settings that hold and those that shall.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "settings/settings.hpp"

namespace caisson::settings {

struct Change {
    enum Kind : std::uint8_t {
        added,     ///< a pool that was not there, or not enabled
        removed,   ///< a pool that goes: it takes no new calls, finishes what it has, ends
        resized,   ///< the number of workers; those that stay keep their pids
        rolled,    ///< needs new workers: they are replaced one by one
        adjusted,  ///< applies at once to what runs
        restart,   ///< waits for the next start of the service
        tried,     ///< one worker tries it beside the others, before they are replaced
    };
    Kind kind;
    std::string pool;  ///< empty: the service's
    std::string text;  ///< `pool math: workers 4 -> 8`

    bool operator==(const Change&) const = default;
};

/// One change for each key that differs, those of the service first, then by pool in the order of `now` and of `next`.
/// Compare resolved settings, so that discovered pools and moved libraries are seen.
[[nodiscard]] std::vector<Change> changes(const Settings& now, const Settings& next);

/// What a change of this kind does, for people: "its workers are replaced one by one".
[[nodiscard]] std::string_view effect(Change::Kind kind);

}  // namespace caisson::settings
