// SPDX-License-Identifier: Apache-2.0
#include "embed/helm.hpp"

#include <gtest/gtest.h>

#include <future>
#include <thread>

namespace caisson::embed {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 10s;

class HelmTest : public ::testing::Test {
   protected:
    ~HelmTest() override {
        loop_.stop();
        helm_.rouse();
        own_.join();
    }
    /// Runs `what` on the loop, whoever runs it, and waits for it.
    template <class What>
    void on_loop(What what) {
        std::promise<void> done;
        loop_.post([&] {
            what();
            done.set_value();
        });
        helm_.rouse();
        ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
    }
    /// Offers the loop until a drive with these posts and this end takes it.
    template <class Done>
    void drive(Loop::Callback post, const Done& done) {
        for (const auto until = Clock::now() + patience; Clock::now() < until;) {
            on_loop([this] { helm_.offer(); });
            bool drove = false;
            const auto idle = [] { return true; };
            for (int tries = 0; tries < 1000 && !drove; ++tries) {
                drove = helm_.drive(
                    [&] {
                        if (post) std::exchange(post, nullptr)();
                        return done();
                    },
                    TimePoint::max(), idle);
                if (!drove) std::this_thread::yield();
            }
            if (drove) return;
        }
        FAIL() << "the loop was never free";
    }

    Loop loop_;
    Helm helm_{loop_};
    std::thread own_{[this] { helm_.run([] { return true; }); }};
};

TEST_F(HelmTest, LetsAThreadThatWaitsRunTheLoop) {
    std::thread::id ran_on;
    drive([&] { loop_.post([&] { ran_on = std::this_thread::get_id(); }); },
          [&] { return ran_on != std::thread::id{}; });
    EXPECT_EQ(ran_on, std::this_thread::get_id());
}

// The drive is long enough that the engine's thread sleeps until it is over.
TEST_F(HelmTest, TakesTheLoopBackAfterALongDrive) {
    std::promise<void> fired;
    Loop::Timer timer;
    drive(
        [&] {
            timer = loop_.timer();
            const auto until = Clock::now() + 20ms;
            while (Clock::now() < until) std::this_thread::yield();
            timer.arm_after(1ms, [&] { fired.set_value(); });
        },
        [] { return true; });
    // Nobody drives or posts any more: the timer is the engine's own thread's to run.
    EXPECT_EQ(fired.get_future().wait_for(patience), std::future_status::ready);
    on_loop([&] { timer = {}; });
}

}  // namespace
}  // namespace caisson::embed
