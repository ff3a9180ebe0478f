// SPDX-License-Identifier: Apache-2.0
#include "host/heart.hpp"

#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "support/eventually.hpp"

namespace caisson::host {
namespace {

using namespace std::chrono_literals;
using test::eventually;

class HeartTest : public testing::Test {
   protected:
    std::atomic<std::int64_t> beat_ns_ = 0;
    Heart heart_{beat_ns_};

    /// A beat that is not older than now.
    [[nodiscard]] bool beats() {
        const auto now_ns = to_ns(Clock::now());
        return eventually([&] { return beat_ns_.load() >= now_ns; });
    }
};

TEST_F(HeartTest, SaysNothingBeforeItWasStarted) {
    heart_.begin();
    heart_.end();
    EXPECT_EQ(beat_ns_.load(), 0);
}

TEST_F(HeartTest, BeatsOnceAtItsStartAndOnWhileACallRuns) {
    heart_.start(1ms);
    EXPECT_TRUE(eventually([&] { return beat_ns_.load() > 0; }));
    heart_.begin();
    for (int times = 0; times < 20; ++times) ASSERT_TRUE(beats()) << times;
}

// It sleeps between two calls; the second wakes it, whenever it comes.
TEST_F(HeartTest, IsWokenByEachCallThatFindsItAsleep) {
    heart_.start(1ms);
    for (int calls = 0; calls < 300; ++calls) {
        heart_.begin();
        ASSERT_TRUE(beats()) << calls;
        heart_.end();
    }
}

TEST_F(HeartTest, EndsInTheMiddleOfALongPause) {
    heart_.start(1h);
    heart_.begin();
    ASSERT_TRUE(eventually([&] { return beat_ns_.load() > 0; }));
}  // its end must not take an hour

}  // namespace
}  // namespace caisson::host
