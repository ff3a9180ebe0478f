// SPDX-License-Identifier: Apache-2.0
#include "fleet/output.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;

std::vector<std::string> split(std::initializer_list<std::string_view> pieces, std::size_t max_bytes,
                               bool finish = true) {
    LineSplitter splitter;
    std::vector<std::string> lines;
    const auto sink = [&](std::string_view line) { lines.emplace_back(line); };
    for (const auto piece : pieces) splitter.feed(piece, max_bytes, sink);
    if (finish) splitter.finish(sink);
    return lines;
}

using Lines = std::vector<std::string>;

TEST(LineSplitter, CutsAtEndsWhereverTheBytesWereCut) {
    EXPECT_EQ(split({"one\ntw", "o\n", "\nthree"}, 100), (Lines{"one", "two", "", "three"}));
    EXPECT_EQ(split({"one\ntwo"}, 100, false), (Lines{"one"})) << "the second has no end yet";
}

TEST(LineSplitter, GivesALongLineOnceAndDropsItsRest) {
    EXPECT_EQ(split({"abcdefgh", "ijkl\nnext\n"}, 4), (Lines{"abcd", "next"}));
    EXPECT_EQ(split({"abcd\nx\n"}, 4), (Lines{"abcd", "x"})) << "exactly the bound";
}

TEST(LineSplitter, AFloodWithoutALineEndCostsOneLine) {
    LineSplitter splitter;
    std::size_t lines = 0;
    const std::string piece(64 * 1024, 'x');
    for (int i = 0; i < 1000; ++i) splitter.feed(piece, 4096, [&](std::string_view) { ++lines; });
    EXPECT_EQ(lines, 1U);
}

TEST(LineBudget, LetsSoManyThroughASecondAndCountsTheRest) {
    LineBudget budget;
    const TimePoint now{100s};
    int through = 0;
    for (int i = 0; i < 50; ++i) through += budget.take(now, 10) ? 1 : 0;
    EXPECT_EQ(through, 10);
    EXPECT_EQ(budget.held_back(now), 0U) << "the second is not over";
    EXPECT_EQ(budget.held_back(now + 1s), 40U);
    EXPECT_EQ(budget.held_back(now + 1s), 0U) << "said once";
    EXPECT_TRUE(budget.take(now + 1s, 10));
}

TEST(OutputTail, KeepsTheLastLinesPrintable) {
    OutputTail tail;
    for (std::size_t i = 0; i < limits::report_output_lines + 5; ++i) tail.add(std::to_string(i) + "\x1b");
    ASSERT_EQ(tail.lines().size(), limits::report_output_lines);
    EXPECT_EQ(tail.lines().front(), "5\\x1b");
}

}  // namespace
}  // namespace caisson::fleet
