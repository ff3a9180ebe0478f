// SPDX-License-Identifier: Apache-2.0
#include "apps/upgrade_state.hpp"

#include <gtest/gtest.h>

namespace caisson::apps {
namespace {

using enum UpgradeState;

constexpr UpgradeState all_states[] = {serving, preparing, committing, handing_over};
constexpr UpgradeEvent all_events[] = {UpgradeEvent::begin, UpgradeEvent::ready, UpgradeEvent::taken,
                                       UpgradeEvent::failed};

TEST(UpgradeState, OneUpgradeAtATime) {
    for (const auto state : all_states) EXPECT_EQ(next_state(state, UpgradeEvent::begin).has_value(), state == serving);
}

TEST(UpgradeState, AFailureGoesBackUntilTheNewOneHasTakenOver) {
    EXPECT_EQ(next_state(preparing, UpgradeEvent::failed), serving);
    EXPECT_EQ(next_state(committing, UpgradeEvent::failed), serving);
    EXPECT_FALSE(next_state(serving, UpgradeEvent::failed));
    for (const auto event : all_events) EXPECT_FALSE(next_state(handing_over, event)) << "there is no way back";
}

TEST(UpgradeState, NobodyTakesOverWithoutACommit) {
    for (const auto state : all_states)
        EXPECT_EQ(next_state(state, UpgradeEvent::taken).has_value(), state == committing);
    EXPECT_EQ(next_state(preparing, UpgradeEvent::ready), committing);
}

}  // namespace
}  // namespace caisson::apps
