// SPDX-License-Identifier: Apache-2.0
#include "base/digest.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace caisson {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span{text}); }

// What `xxhsum -H128` prints.
TEST(Digest, OfAFilesBytesIsWhatTheToolSays) {
    EXPECT_EQ(digest_of_bytes({}).full_text(), "99aa06d3014798d86001c324468d497f");
    EXPECT_NE(digest_of_bytes(bytes("a")), digest_of_bytes(bytes("b")));
    EXPECT_EQ(digest_of_bytes(bytes("abc")).full_text().size(), 32U);
    EXPECT_EQ(digest_of_bytes(bytes("abc")).text(), digest_of_bytes(bytes("abc")).full_text().substr(0, 16));
}

TEST(Digest, OfPartsKnowsWhereEachEnds) {
    EXPECT_NE(digest_of(1, {bytes("ab"), bytes("c")}), digest_of(1, {bytes("a"), bytes("bc")}));
    EXPECT_NE(digest_of(1, {bytes("a")}), digest_of(2, {bytes("a")}));
}

}  // namespace
}  // namespace caisson
