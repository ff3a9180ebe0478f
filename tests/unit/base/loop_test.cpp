// SPDX-License-Identifier: Apache-2.0
#include "base/loop.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

#include "base/system.hpp"

namespace caisson {
namespace {

using namespace std::chrono_literals;

TEST(Loop, RunsPostsThenEndOfTurnHooks) {
    Loop loop;
    std::vector<int> order;
    loop.post([&] {
        loop.at_end_of_turn([&] {
            order.push_back(2);
            loop.at_end_of_turn([&] {
                order.push_back(3);
                loop.stop();
            });
        });
        order.push_back(1);
    });
    loop.run();
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(Loop, TakesPostsAndStopFromAnotherThread) {
    Loop loop;
    int seen = 0;
    std::jthread other{[&] {
        loop.post([&] { ++seen; });
        loop.post([&] { loop.stop(); });
    }};
    loop.run();
    EXPECT_EQ(seen, 1);
}

TEST(Loop, ATimerArmedAnewFiresOnce) {
    Loop loop;
    auto timer = loop.timer();
    int fired = 0;
    timer.arm_after(1ms, [&] { fired += 100; });
    timer.arm_after(2ms, [&] {
        ++fired;
        loop.stop();
    });
    loop.run();
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(timer.armed());
}

TEST(Loop, ACancelledTimerStaysSilentEvenIfItsHandlerWasQueued) {
    Loop loop;
    auto first = loop.timer();
    auto second = loop.timer();
    bool wrong = false;
    // Both are due in one turn; the first cancels the second, whose handler may be ready by then.
    const auto due = Clock::now();
    first.arm_at(due, [&] { second.cancel(); });
    second.arm_at(due, [&] { wrong = true; });
    auto end = loop.timer();
    end.arm_after(5ms, [&] { loop.stop(); });
    loop.run();
    EXPECT_FALSE(wrong);
}

TEST(Loop, AWatchMayGoInItsOwnCallback) {
    Loop loop;
    auto pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    auto watch = loop.watch(pipe->first.get());
    int calls = 0;
    watch.on_readable([&] {
        ++calls;
        watch = {};
        loop.post([&] { loop.stop(); });
    });
    ASSERT_EQ(::write(pipe->second.get(), "x", 1), 1);
    loop.run();
    EXPECT_EQ(calls, 1);
}

TEST(Loop, APausedWatchSaysNothingUntilItGoesOn) {
    Loop loop;
    auto pipe = sys::pipe();
    ASSERT_TRUE(pipe);
    auto watch = loop.watch(pipe->first.get());
    bool paused = false;
    int while_paused = 0;
    watch.on_readable([&] {
        if (paused) ++while_paused;
        char byte = 0;
        ASSERT_EQ(::read(pipe->first.get(), &byte, 1), 1);
        if (byte == 'b') loop.stop();
    });
    watch.pause_reading();
    paused = true;
    ASSERT_EQ(::write(pipe->second.get(), "b", 1), 1);
    auto timer = loop.timer();
    timer.arm_after(3ms, [&] {
        paused = false;
        watch.resume_reading();
    });
    loop.run();
    EXPECT_EQ(while_paused, 0);
}

TEST(Loop, EachSignalHasItsCallback) {
    Loop loop;
    std::vector<int> heard;
    loop.on_signals({SIGUSR1}, [&](int number) { heard.push_back(number); });
    loop.on_signals({SIGUSR2}, [&](int number) {
        heard.push_back(-number);
        loop.stop();
    });
    loop.post([] {
        ::raise(SIGUSR1);
        ::raise(SIGUSR2);
    });
    loop.run();
    EXPECT_EQ(heard, (std::vector{SIGUSR1, -SIGUSR2}));
}

}  // namespace
}  // namespace caisson
