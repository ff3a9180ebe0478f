// SPDX-License-Identifier: Apache-2.0
#include "apps/heir.hpp"

#include <gtest/gtest.h>

namespace caisson::apps {
namespace {

using fleet::CrewState;

constexpr auto yes = true;
constexpr auto no = false;

// "ready", "degraded", … there; what is here.
Result<bool> judge(const std::string& there, CrewState here) {
    return serves_as_well({{"math", there}}, {{"math", {here, "why"}}});
}

TEST(Heir, APoolThatServedMustServe) {
    EXPECT_EQ(judge("ready", CrewState::ready), yes);
    EXPECT_EQ(judge("ready", CrewState::starting), no);
    EXPECT_EQ(judge("ready", CrewState::degraded), no) << "the others are on their way";
    EXPECT_EQ(judge("degraded", CrewState::degraded), yes);
    EXPECT_EQ(judge("degraded", CrewState::starting), no);
}

TEST(Heir, APoolThatDidNotServeNeedNot) {
    for (const auto* const there : {"starting", "quarantined", "draining", "stopped", "a word of a later version"})
        EXPECT_EQ(judge(there, CrewState::quarantined), yes) << there;
}

TEST(Heir, OneThatNeverWillIsAnError) {
    const auto judged = judge("ready", CrewState::quarantined);
    ASSERT_FALSE(judged);
    EXPECT_EQ(judged.error().what, "pool math would not serve: why");
}

TEST(Heir, APoolThatIsNoLongerConfiguredIsNotMissed) {
    EXPECT_EQ(serves_as_well({{"math", "ready"}, {"gone", "ready"}}, {{"math", {CrewState::ready}}}), yes);
    EXPECT_EQ(serves_as_well({{"math", "ready"}}, {{"math", {CrewState::ready}}, {"new", {CrewState::starting}}}), yes);
}

}  // namespace
}  // namespace caisson::apps
