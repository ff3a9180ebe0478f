// SPDX-License-Identifier: Apache-2.0
#include "fleet/crew_state.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

constexpr CrewState all_states[] = {CrewState::starting,    CrewState::ready,    CrewState::degraded,
                                    CrewState::quarantined, CrewState::draining, CrewState::drained,
                                    CrewState::stopping,    CrewState::stopped};
constexpr CrewEvent all_events[] = {CrewEvent::all_ready, CrewEvent::some_ready, CrewEvent::none_ready,
                                    CrewEvent::broken,    CrewEvent::drain,      CrewEvent::resume,
                                    CrewEvent::stop,      CrewEvent::emptied};
static_assert(std::size(all_states) == crew_state_count && std::size(all_events) == crew_event_count);

CrewState after(CrewState state, CrewEvent event) { return next_state(state, event).value_or(state); }

TEST(CrewState, NothingLeadsBackFromAStop) {
    for (const auto event : all_events) {
        EXPECT_FALSE(next_state(CrewState::stopped, event));
        EXPECT_EQ(after(CrewState::stopping, event),
                  event == CrewEvent::emptied ? CrewState::stopped : CrewState::stopping);
    }
    for (const auto state : all_states)
        EXPECT_TRUE(after(state, CrewEvent::stop) == CrewState::stopping || state == CrewState::stopped);
}

TEST(CrewState, OnlyAnOrderEndsADrain) {
    for (const auto state : {CrewState::draining, CrewState::drained})
        for (const auto event : all_events) {
            const auto next = after(state, event);
            const bool still = next == CrewState::draining || next == CrewState::drained;
            EXPECT_EQ(still, event != CrewEvent::resume && event != CrewEvent::stop) << static_cast<int>(event);
        }
}

TEST(CrewState, ADrainedPoolIsNotToldToDrainAgain) { EXPECT_FALSE(next_state(CrewState::drained, CrewEvent::drain)); }

TEST(CrewState, CallsAreTakenWhereWorkersServeOrAreExpected) {
    for (const auto state : all_states)
        EXPECT_EQ(takes_calls(state),
                  state == CrewState::starting || state == CrewState::ready || state == CrewState::degraded);
}

TEST(CrewState, FactsSayWhatServes) {
    for (const auto state : {CrewState::starting, CrewState::ready, CrewState::degraded, CrewState::quarantined}) {
        EXPECT_EQ(after(state, CrewEvent::all_ready), CrewState::ready);
        EXPECT_EQ(after(state, CrewEvent::some_ready), CrewState::degraded);
        EXPECT_EQ(after(state, CrewEvent::broken), CrewState::quarantined);
    }
    EXPECT_EQ(after(CrewState::starting, CrewEvent::none_ready), CrewState::starting);
    EXPECT_EQ(after(CrewState::ready, CrewEvent::none_ready), CrewState::degraded);
    EXPECT_EQ(after(CrewState::quarantined, CrewEvent::none_ready), CrewState::starting)
        << "somebody closed the breaker";
}

TEST(CrewState, EachHasAWordOfItsOwn) {
    for (const auto a : all_states)
        for (const auto b : all_states) EXPECT_EQ(word(a) == word(b), a == b);
}

}  // namespace
}  // namespace caisson::fleet
