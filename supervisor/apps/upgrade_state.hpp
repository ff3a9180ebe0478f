// SPDX-License-Identifier: Apache-2.0
/// The states of an upgrade, as the old supervisor sees them.
///
///     serving --begin--> preparing --ready--> committing --taken--> handing_over
///        ^                   | failed              | failed
///        +-------------------+---------------------+
///
/// serving       there is no upgrade.
/// preparing     the new program was started, has the offer (sockets, lock, what is in memory) and starts its pools.
///               Clients notice nothing: the old one serves, resizes, restarts as ever.
/// committing    the new one is ready, and was told to take over. Nobody accepts clients; they wait in the kernel.
/// handing_over  the new one has the socket and accepts. The old one gives it each session that has no call under way,
///               finishes its calls, and ends. There is no way back, and nothing to go back for.
///
/// Until it has taken over, the new program dies with the old one (a parent-death signal, which it takes off when it
/// commits), and it is killed for each of: its end, a broken word, a pool that cannot be ready,
/// `service.upgrade_timeout`, a stop of the service. All these are `failed`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace caisson::apps {

enum class UpgradeState : std::uint8_t { serving, preparing, committing, handing_over };
inline constexpr std::size_t upgrade_state_count = 4;

enum class UpgradeEvent : std::uint8_t { begin, ready, taken, failed };
inline constexpr std::size_t upgrade_event_count = 4;

namespace detail {
using enum UpgradeState;
inline constexpr std::optional<UpgradeState> no_step{};
/// The state after an event; nothing where the event changes nothing.
inline constexpr std::array<std::array<std::optional<UpgradeState>, upgrade_event_count>, upgrade_state_count>
    upgrade_transitions{{
        //                  begin      ready       taken         failed
        /* serving      */ {preparing, no_step, no_step, no_step},
        /* preparing    */ {no_step, committing, no_step, serving},
        /* committing   */ {no_step, no_step, handing_over, serving},
        /* handing_over */ {no_step, no_step, no_step, no_step},
    }};
}  // namespace detail

[[nodiscard]] constexpr std::optional<UpgradeState> next_state(UpgradeState state, UpgradeEvent event) {
    return detail::upgrade_transitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

}  // namespace caisson::apps
