// SPDX-License-Identifier: Apache-2.0
/// Numbers that share a field of the header.
#include "wire/frame.hpp"

#include <gtest/gtest.h>

namespace caisson::wire {
namespace {

TEST(Target, GivesBackWhatWasPacked) {
    for (const int priority : {min_priority, -1, 0, 1, max_priority}) {
        for (const auto bytes : std::initializer_list<std::uint16_t>{0, 1, 256, 65535}) {
            const Target target{.bytes = bytes, .priority = static_cast<std::int8_t>(priority)};
            const auto read = Target::from(target.packed());
            EXPECT_EQ(read.bytes, bytes);
            EXPECT_EQ(read.priority, priority);
        }
    }
    EXPECT_EQ((Target{.bytes = 11}.packed()), 11U) << "the usual priority is not seen";
}

TEST(ItemRange, GivesBackWhatWasPacked) {
    for (const ItemRange range :
         {ItemRange{0, 1}, ItemRange{4095, 1}, ItemRange{0, 4096}, ItemRange{0xFFFFFFFF, 0xFFFFFFFF}})
        EXPECT_EQ(ItemRange::from(range.packed()), range);
}

TEST(ItemRange, OfACallIsNothing) { EXPECT_EQ(ItemRange::from(0), (ItemRange{.first = 0, .count = 1})); }

}  // namespace
}  // namespace caisson::wire
