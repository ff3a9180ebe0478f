// SPDX-License-Identifier: Apache-2.0
#include "host/bounded_text.hpp"

#include <gtest/gtest.h>

namespace caisson::host {
namespace {

std::string bounded(std::string_view text, std::size_t max_bytes = 100) {
    std::string out;
    assign_bounded(out, text, max_bytes);
    return out;
}

TEST(BoundedText, KeepsWhatIsValid) { EXPECT_EQ(bounded("Käse, 日本, 🧀"), "Käse, 日本, 🧀"); }

TEST(BoundedText, CutsBetweenCharacters) {
    EXPECT_EQ(bounded("abcdef", 3), "abc");
    EXPECT_EQ(bounded("aää", 2), "a");
    EXPECT_EQ(bounded("aää", 3), "aä");
    EXPECT_EQ(bounded("🧀🧀", 7), "🧀");
    EXPECT_EQ(bounded("x", 0), "");
}

TEST(BoundedText, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(bounded("a\xFF"
                      "b"),
              "a?b");
    EXPECT_EQ(bounded("\xC0\xAF"), "??");            // overlong
    EXPECT_EQ(bounded("\xED\xA0\x80"), "???");       // a surrogate
    EXPECT_EQ(bounded("\xF4\x90\x80\x80"), "????");  // beyond the last code point
    EXPECT_EQ(bounded("end\xE6\x97"), "end??");      // cut short
}

TEST(BoundedText, AllocatesNothingWithCapacity) {
    std::string out;
    out.reserve(64);
    const char* before = out.data();
    assign_bounded(out, std::string(200, 'x'), 64);
    EXPECT_EQ(out.data(), before);
    EXPECT_EQ(out.size(), 64U);
}

}  // namespace
}  // namespace caisson::host
