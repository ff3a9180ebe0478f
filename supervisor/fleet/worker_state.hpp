// SPDX-License-Identifier: Apache-2.0
/// The states of a worker, as the supervisor sees them.
///
///     starting --ready--> serving --drain--> draining --escalate--> cancelling --escalate--> terminating
///         |                  |                                                                   | escalate
///         +------ kill ------+---------------- kill, from every state -----------------------> killing
///                                              ended, from every state: gone
///
/// starting     it was ordered from the keeper and confines itself, loads, creates; no calls yet.
/// serving      it takes calls.
/// draining     it was told to stop: finishes the calls it has and gets no other.
/// cancelling   the call it runs was told to give up (caisson_host.cancelled).
/// terminating  it got SIGTERM, and SIGCONT so that a stopped process sees it.
/// killing      it got SIGKILL, with its process group; the keeper kills what it leaves behind.
/// gone         the keeper reaped it.
///
/// Each step down the ladder waits `stop.grace`. A stronger step may come at any time, a weaker one never again: that
/// is what the table says, and why it is a table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace caisson::fleet {

enum class WorkerState : std::uint8_t { starting, serving, draining, cancelling, terminating, killing, gone };
inline constexpr std::size_t worker_state_count = 7;

enum class WorkerEvent : std::uint8_t { ready, drain, escalate, kill, ended };
inline constexpr std::size_t worker_event_count = 5;

namespace detail::worker {
using enum WorkerState;
using Next = std::optional<WorkerState>;
inline constexpr Next none{};
/// The state after an event; nothing where the event changes nothing.
inline constexpr std::array<std::array<Next, worker_event_count>, worker_state_count> transitions{{
    //                 ready     drain        escalate      kill      ended
    /* starting    */ {serving, terminating, terminating, killing, gone},
    /* serving     */ {none, draining, draining, killing, gone},
    /* draining    */ {none, none, cancelling, killing, gone},
    /* cancelling  */ {none, none, terminating, killing, gone},
    /* terminating */ {none, none, killing, killing, gone},
    /* killing     */ {none, none, none, none, gone},
    /* gone        */ {none, none, none, none, none},
}};
}  // namespace detail::worker

[[nodiscard]] constexpr std::optional<WorkerState> next_state(WorkerState state, WorkerEvent event) {
    return detail::worker::transitions[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

/// The word of `status`; a serving worker is "idle" or "running".
[[nodiscard]] constexpr std::string_view word(WorkerState state) {
    constexpr std::array<std::string_view, worker_state_count> words{"starting", "idle",     "stopping", "stopping",
                                                                     "stopping", "stopping", "gone"};
    return words[static_cast<std::size_t>(state)];
}

}  // namespace caisson::fleet
