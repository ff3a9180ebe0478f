// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace caisson {
namespace {

TEST(Text, JoinsTextsAndNumbers) {
    EXPECT_EQ(cat("pool ", std::string{"math"}, ": ", 4, ' ', std::uint64_t{18446744073709551615U}, " ", -3),
              "pool math: 4 18446744073709551615 -3");
}

TEST(Text, HexIsLowerCaseWithoutLeadingZeros) {
    EXPECT_EQ(hex(0), "0x0");
    EXPECT_EQ(hex(0xDEADBEEF), "0xdeadbeef");
}

TEST(Text, CutKeepsWholeCharacters) {
    EXPECT_EQ(cut("abc", 3), "abc");
    EXPECT_EQ(cut("abcd", 3), "abc…");
    EXPECT_EQ(cut("aé€", 2), "a…");  // é is two bytes and would be split
    EXPECT_EQ(cut("€", 1), "…");
}

TEST(Text, PrintableLetsNothingReachATerminal) {
    EXPECT_EQ(printable("plain, é, €, 𝄞\tand a tab"), "plain, é, €, 𝄞\tand a tab");
    EXPECT_EQ(printable("\x1b[2J"), "\\x1b[2J");
    EXPECT_EQ(printable("a\r\nb"), "a\\x0d\\x0ab");
    EXPECT_EQ(printable("\xC2\x9B"), "\\xc2\\x9b") << "C1: CSI as one character";
    EXPECT_EQ(printable("\xFF\xFE"), "\\xff\\xfe");
    EXPECT_EQ(printable("\xE2\x82"), "\\xe2\\x82") << "cut short";
    EXPECT_EQ(printable("\xC0\xAF"), "\\xc0\\xaf") << "overlong";
    EXPECT_EQ(printable("\xED\xA0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
    EXPECT_EQ(printable("\xF4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "beyond Unicode";
}

}  // namespace
}  // namespace caisson
