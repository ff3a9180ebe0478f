// SPDX-License-Identifier: Apache-2.0
#include "cli/top/canvas.hpp"

#include <gtest/gtest.h>

#include <clocale>

namespace caisson::cli::top {
namespace {

class TopCanvas : public testing::Test {
   protected:
    TopCanvas() { use("C.UTF-8"); }
    ~TopCanvas() override { use("C"); }
    static void use(const char* locale) { ASSERT_NE(std::setlocale(LC_CTYPE, locale), nullptr); }

    static std::string row(std::string_view text, std::size_t room = Canvas::all) {
        Canvas canvas{{10, 1}};
        canvas.put(0, 0, text, Role::plain, room);
        return canvas.row_text(0);
    }
};

TEST_F(TopCanvas, TextThatIsTooLongIsMarked) {
    EXPECT_EQ(row("0123456789"), "0123456789");
    EXPECT_EQ(row("0123456789a"), "012345678…");
    EXPECT_EQ(row("abcdef", 3), "ab…");
    EXPECT_EQ(row("abcdef", 1), "…");
    EXPECT_EQ(row("abcdef", 0), "");
}

TEST_F(TopCanvas, WideCharactersTakeTwoColumnsAndAreNeverHalved) {
    EXPECT_EQ(columns_of("日本"), 4U);
    EXPECT_EQ(row("日本", 4), "日本");
    EXPECT_EQ(row("日本語", 5), "日本…");
    EXPECT_EQ(row("日本語", 4), "日…");
    EXPECT_EQ(row("日", 1), "…");
    Canvas canvas{{6, 1}};
    canvas.put(0, 0, "日x");
    canvas.put(0, 4, "yz");
    EXPECT_EQ(canvas.row_text(0), "日x yz");
}

TEST_F(TopCanvas, NothingMovesTheCursorOrChangesItsNeighbours) {
    EXPECT_EQ(row("a\x1b[2J"), "a\\x1b[2J");
    EXPECT_EQ(row("a\tb"), "a b");
    EXPECT_EQ(row("a\nb"), "a\\x0ab");
    EXPECT_EQ(row("e\u0301"), "e?");    // an accent of its own
    EXPECT_EQ(row("a\u202Eb"), "a?b");  // writes to the left
    EXPECT_EQ(row("a\u200Bb"), "a?b");  // no width
    EXPECT_EQ(row("\xff\xfe"), "\\xff\\xfe");
}

TEST_F(TopCanvas, InAPlainLocaleWhatIsNotAsciiIsAQuestionMark) {
    use("C");
    EXPECT_EQ(row("日本 é"), "?? ?");
    EXPECT_EQ(row("0123456789a"), "012345678~");
}

TEST_F(TopCanvas, NothingLeavesTheCanvas) {
    Canvas canvas{{4, 2}};
    EXPECT_EQ(canvas.put(2, 0, "below"), 0U);
    EXPECT_EQ(canvas.put(0, 4, "beside"), 0U);
    canvas.put(0, 2, "long");
    canvas.put_right(1, 4, "12345", Role::plain, 5);
    canvas.paint(7, Role::bad);
    EXPECT_EQ(canvas.text(), "  l…\n123…\n");
}

TEST_F(TopCanvas, EveryCharacterOfUtf8ComesBack) {
    for (const auto* text : {"a", "é", "日", "😀"}) {
        std::string out;
        for (const auto& glyph : glyphs_of(text)) append_utf8(out, glyph.code);
        EXPECT_EQ(out, text);
    }
}

}  // namespace
}  // namespace caisson::cli::top
