// SPDX-License-Identifier: Apache-2.0
#include "cli/top/pages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/top/canvas.hpp"

namespace caisson::cli::top {
namespace {

using testing::ElementsAre;

TEST(TopPages, CrashesAreAListToChooseFrom) {
    const auto page = crashes_page(parse_document(
        R"({"crashes":[{"report":"01A","pool":"math","method":"square","time":"2026-11-22T10:41:13.123Z","message":"SIGSEGV"},
                       {"report":"01B","pool":"math","time":"soon","message":"a\u001bb"}]})"));
    EXPECT_EQ(page.heading, "TIME            CALL                  CAUSE");
    EXPECT_THAT(page.lines, ElementsAre("11-22 10:41:13  math.square           SIGSEGV",
                                        "soon            math (outside calls)  a\\x1bb"));
    EXPECT_THAT(page.names, ElementsAre("01A", "01B"));
}

TEST(TopPages, NoCrashesAreNothingToChooseFrom) {
    for (const auto* reply : {R"({"crashes":[]})", "{}", "null"}) {
        const auto page = crashes_page(parse_document(reply));
        EXPECT_FALSE(page.chosen_from());
        EXPECT_THAT(page.lines, ElementsAre("no crashes"));
    }
}

TEST(TopPages, EventsWithTheNewestLast) {
    const auto page = events_page(parse_document(
        R"({"events":[{"time":"2026-11-22T10:41:13.123Z","level":"info","event":"pool_resized","pool":"math","message":"pool resized","seq":7,"workers":4,"why":"a\u001bb","x":[]},
                      {"time":"2026-11-22T10:41:14.123Z","level":"warning","message":"low"}]})"));
    EXPECT_THAT(page.lines, ElementsAre("11-22 10:41:13 info math: pool resized why=a\\x1bb workers=4",
                                        "11-22 10:41:14 warning low"));
    EXPECT_EQ(page.at, 2U);
    EXPECT_THAT(events_page({}).lines, ElementsAre("no events"));
}

TEST(TopPages, LongLinesGoOnBelow) {
    const TextPage page{.title = {}, .lines = {"one two three four five", "short", "abcdefghijklmnopqrstuvwxyz"}};
    EXPECT_THAT(page_lines(page, 14),
                ElementsAre("one two three", "    four five", "short", "abcdefghijklmn", "    opqrstuvwx", "    yz"));
    EXPECT_EQ(page_lines(page, 80).size(), 3U);
    EXPECT_EQ(page_lines(page, 0).size(), 3U);
}

TEST(TopPages, TheHelpFitsTheSmallestScreen) {
    for (const auto& line : help_page().lines) EXPECT_LE(columns_of(line), 39U) << line;
}

}  // namespace
}  // namespace caisson::cli::top
