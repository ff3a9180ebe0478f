// SPDX-License-Identifier: Apache-2.0
/// The states of a pool, as its workers make them.
///
///     starting --> ready <--> degraded          stopping --> stopped
///         \          |          /                  ^
///          +--> quarantined <--+                   | stop, from every state
///                                                  |
///     draining --> drained --resume--> starting    |
///         ^
///         | drain, from every state of the first two rows that serves or may serve again
///
/// starting     no worker has been ready yet, or all were stopped and are started again; calls wait.
/// ready        all workers that there should be can take calls.
/// degraded     some cannot; calls are served, or wait.
/// quarantined  the breaker is open and no worker is left: calls are refused, until one that tries succeeds.
/// draining     an operator drains the pool: new calls are refused, accepted ones are served to their end.
/// drained      that is done: the workers have gone or are about to, until an operator resumes the pool.
/// stopping     the pool is removed or the service ends: its workers finish their calls, and go.
/// stopped      no worker is left, and none will be started.
///
/// Most events are facts about the workers: the crew counts them whenever something happened, and says the one that
/// holds. `drain`, `resume` and `stop` are orders. What an operator has ordered is not undone by what workers do, and
/// nothing leads back from a stop: that is what the table says, and why it is a table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace caisson::fleet {

enum class CrewState : std::uint8_t { starting, ready, degraded, quarantined, draining, drained, stopping, stopped };
inline constexpr std::size_t crew_state_count = 8;

/// all_ready, some_ready, none_ready: of the workers that there should be. broken: none is, and the breaker is open.
/// emptied: no process is left, and none may be started.
enum class CrewEvent : std::uint8_t { all_ready, some_ready, none_ready, broken, drain, resume, stop, emptied };
inline constexpr std::size_t crew_event_count = 8;

namespace detail::crew {
using enum CrewState;
using Next = std::optional<CrewState>;
inline constexpr Next same{};
/// The state after an event; nothing where the event changes nothing.
inline constexpr std::array<std::array<Next, crew_event_count>, crew_state_count> transitions{{
    //                 all_ready  some_ready  none_ready  broken       drain     resume    stop      emptied
    /* starting    */ {ready, degraded, same, quarantined, draining, same, stopping, same},
    /* ready       */ {same, degraded, degraded, quarantined, draining, same, stopping, same},
    /* degraded    */ {ready, same, same, quarantined, draining, same, stopping, same},
    /* quarantined */ {ready, degraded, starting, same, draining, same, stopping, same},
    /* draining    */ {same, same, same, drained, same, starting, stopping, drained},
    /* drained     */ {same, same, same, same, same, starting, stopping, same},
    /* stopping    */ {same, same, same, same, same, same, same, stopped},
    /* stopped     */ {same, same, same, same, same, same, same, same},
}};
}  // namespace detail::crew

[[nodiscard]] constexpr std::optional<CrewState> next_state(CrewState state, CrewEvent event) {
    return detail::crew::transitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

/// The word of `status`.
[[nodiscard]] constexpr std::string_view word(CrewState state) {
    constexpr std::array<std::string_view, crew_state_count> words{"starting", "ready",   "degraded", "quarantined",
                                                                   "draining", "drained", "stopping", "stopped"};
    return words[static_cast<std::size_t>(state)];
}

/// It takes new calls: they are served, or wait until they can be.
[[nodiscard]] constexpr bool takes_calls(CrewState state) {
    return state == CrewState::starting || state == CrewState::ready || state == CrewState::degraded;
}

}  // namespace caisson::fleet
