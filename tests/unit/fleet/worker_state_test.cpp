// SPDX-License-Identifier: Apache-2.0
#include "fleet/worker_state.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

constexpr WorkerState all_states[] = {WorkerState::starting,   WorkerState::serving,     WorkerState::draining,
                                      WorkerState::cancelling, WorkerState::terminating, WorkerState::killing,
                                      WorkerState::gone};
constexpr WorkerEvent all_events[] = {WorkerEvent::ready, WorkerEvent::drain, WorkerEvent::escalate, WorkerEvent::kill,
                                      WorkerEvent::ended};

// How far down the ladder a state is. Starting and serving stand on top of it.
int rung(WorkerState state) { return state == WorkerState::starting ? 0 : static_cast<int>(state) - 1; }

TEST(WorkerState, AStrongerStepNeverBecomesAWeakerOne) {
    for (const auto state : all_states) {
        for (const auto event : all_events) {
            const auto next = next_state(state, event).value_or(state);
            EXPECT_GE(rung(next), rung(state)) << static_cast<int>(state) << " on " << static_cast<int>(event);
        }
    }
}

TEST(WorkerState, EveryStateEndsAndOnlyOnce) {
    for (const auto state : all_states) {
        if (state == WorkerState::gone) continue;
        EXPECT_EQ(next_state(state, WorkerEvent::ended), WorkerState::gone);
    }
    for (const auto event : all_events) EXPECT_FALSE(next_state(WorkerState::gone, event));
}

TEST(WorkerState, EscalationReachesTheKillFromEverywhere) {
    for (auto state : {WorkerState::starting, WorkerState::serving}) {
        for (int steps = 0; steps < 6 && state != WorkerState::killing; ++steps)
            state = next_state(state, WorkerEvent::escalate).value_or(state);
        EXPECT_EQ(state, WorkerState::killing);
    }
}

TEST(WorkerState, OnlyAStartingWorkerBecomesReady) {
    for (const auto state : all_states)
        EXPECT_EQ(next_state(state, WorkerEvent::ready).has_value(), state == WorkerState::starting);
}

}  // namespace
}  // namespace caisson::fleet
