// SPDX-License-Identifier: Apache-2.0
#include "wire/black_box.hpp"

#include <gtest/gtest.h>

#include "wire/handshake.hpp"

namespace caisson::wire {
namespace {

TEST(Claim, IsAWordAndBack) {
    for (const bool closed : {false, true}) {
        const Claim claim{.generation = 0x7ABC, .closed = closed, .sequence = 0xFFFF'1234'5678};
        const auto back = Claim::from(claim.word());
        EXPECT_EQ(back.generation, claim.generation);
        EXPECT_EQ(back.closed, claim.closed);
        EXPECT_EQ(back.sequence, claim.sequence);
    }
}

TEST(Claim, ANewBoxIsOpenAndHasClaimedNothing) {
    const auto claim = Claim::from(0);
    EXPECT_FALSE(claim.closed);
    EXPECT_EQ(claim.sequence, 0U);
}

TEST(Claim, GenerationsComeAroundWithoutTouchingTheRest) {
    const Claim last{.generation = 0x7FFF, .closed = true, .sequence = 5};
    EXPECT_EQ(last.next_generation(), 0);
    EXPECT_EQ(Claim::from(last.word()).sequence, 5U);
}

TEST(Handshake, ChoosesTheHighestCommonVersion) {
    EXPECT_EQ(choose_version({1, 3}, {2, 9}), 3);
    EXPECT_EQ(choose_version({1, 3}, {1, 2}), 2);
    EXPECT_EQ(choose_version({1, 2}, {3, 4}), std::nullopt);
    EXPECT_EQ(choose_version({3, 4}, {1, 2}), std::nullopt);
}

TEST(Handshake, ARangeFitsOneNumber) {
    const auto range = VersionRange::from(VersionRange{2, 513}.packed());
    EXPECT_EQ(range.min, 2);
    EXPECT_EQ(range.max, 513);
}

}  // namespace
}  // namespace caisson::wire
