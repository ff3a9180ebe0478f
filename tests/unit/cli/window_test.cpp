// SPDX-License-Identifier: Apache-2.0
#include "cli/window.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

void end(Window& window, Place& place, std::string output = {}) {
    place.result.output = std::move(output);
    window.ended(place);
}

TEST(Window, FindsTheLineOfAnItem) {
    Window window;
    for (const auto* line : {"a", "b", "c"}) window.push(line);
    window.sent(7, 3);
    window.push("d");
    window.sent(9, 1);
    Place* c = window.find(7, 2);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->line, 3U);
    EXPECT_EQ(c->shown, "c");
    end(window, *c);
    EXPECT_EQ(window.find(7, 2), nullptr) << "it has ended";
    EXPECT_EQ(window.find(7, 3), nullptr);
    EXPECT_EQ(window.find(8, 0), nullptr);
    EXPECT_EQ(window.find(9, 1), nullptr);
    ASSERT_NE(window.find(9, 0), nullptr);
    EXPECT_EQ(window.out(), 3U);
    EXPECT_EQ(window.calls_out(), std::vector<std::uint64_t>{7});
}

TEST(Window, GivesPlacesAgainWhenTheOldestAreWritten) {
    Window window;
    std::uint64_t call = 0;
    for (std::size_t i = 0; i < 3 * Window::max_lines; ++i) {
        if (!window.has_room(1)) {
            ASSERT_EQ(window.size(), Window::max_lines);
            end(window, *window.find(call - Window::max_lines + 1, 0));
            window.settled(window.head());
            window.pop();
        }
        window.push("line");
        window.sent(++call, 1);
    }
    EXPECT_EQ(window.lines(), 3 * Window::max_lines);
    EXPECT_EQ(window.head().line, 2 * Window::max_lines + 1);
}

TEST(Window, HasRoomForSomeBytesAndAlwaysForOneLine) {
    Window window;
    EXPECT_TRUE(window.has_room(1));
    window.push(std::string(Window::max_bytes, 'x'));
    EXPECT_FALSE(window.has_room(1));
    window.sent(1, 1);
    end(window, *window.find(1, 0), "short");
    EXPECT_TRUE(window.has_room(1));
    EXPECT_TRUE(window.has_room(Window::max_lines - 1));
    EXPECT_FALSE(window.has_room(Window::max_lines));
}

TEST(Window, ReckonsWithResultsAsLargeAsThoseBefore) {
    Window window;
    const std::string large(1'000'000, 'x');
    std::uint64_t call = 0;
    for (int i = 0; i < 40; ++i) {
        window.push("line");
        window.sent(++call, 1);
        end(window, *window.find(call, 0), large);
        window.settled(window.head());
        window.pop();
    }
    while (window.has_room(1)) {
        window.push("line");
        window.sent(++call, 1);
    }
    EXPECT_NEAR(static_cast<double>(window.size()), 33, 2);
}

TEST(Window, TakesBackWhatCouldNotBeSent) {
    Window window;
    window.push("a");
    window.sent(1, 1);
    window.push("b");
    window.push("c");
    window.take_back(2);
    EXPECT_EQ(window.lines(), 1U);
    EXPECT_EQ(window.out(), 1U);
    end(window, *window.find(1, 0));
    window.pop();
    EXPECT_TRUE(window.empty());
}

}  // namespace
}  // namespace caisson::cli
