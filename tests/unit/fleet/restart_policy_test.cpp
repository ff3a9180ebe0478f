// SPDX-License-Identifier: Apache-2.0
#include "fleet/restart_policy.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

using namespace std::chrono_literals;
constexpr TimePoint t0{1000s};

// Counterpart: OTP supervisor_SUITE, one_for_one_escalation and its kin: at intensity I the pool goes on, at I + 1 not.
TEST(RestartWindow, GivesUpAtOneMoreThanTheIntensity) {
    RestartWindow window;
    for (int i = 0; i < 5; ++i) EXPECT_FALSE(window.add(t0 + i * 1s, 5, 10s)) << i;
    EXPECT_TRUE(window.add(t0 + 6s, 5, 10s));
}

TEST(RestartWindow, SlidesWithTimeAndKeepsItsEdge) {
    RestartWindow window;
    EXPECT_FALSE(window.add(t0, 1, 10s));
    EXPECT_FALSE(window.add(t0 + 10001ms, 1, 10s)) << "the first is out of the window";
    EXPECT_TRUE(window.add(t0 + 20001ms, 1, 10s)) << "exactly one period old is still in it, as in OTP";
}

// A tumbling window lets through twice the burst across its edge.
TEST(RestartWindow, NeverLetsMoreThanTheIntensityThroughInAnyPeriod) {
    RestartWindow window;
    int allowed = 0;
    for (int ms = 9000; ms < 11000; ms += 100)
        if (!window.add(t0 + ms * 1ms, 5, 10s)) ++allowed;
    EXPECT_EQ(allowed, 5);
}

TEST(RestartWindow, HoldsNoMoreStampsThanItNeeds) {
    RestartWindow window;
    for (int i = 0; i < 10000; ++i) (void)window.add(t0, 50, 10s);
    EXPECT_LE(window.size(), 51U);
}

TEST(Backoff, GrowsGeometricallyFromMinToMax) {
    const settings::Backoff rules{.min = 100ms, .max = 102400ms, .steps = 10, .jitter = 0};
    EXPECT_EQ(backoff_delay(rules, 0, 0.5), 100ms);
    EXPECT_NEAR(seconds(backoff_delay(rules, 1, 0.5)), 0.2, 1e-6);
    EXPECT_NEAR(seconds(backoff_delay(rules, 5, 0.5)), 3.2, 1e-6);
    EXPECT_EQ(backoff_delay(rules, 10, 0.5), 102400ms);
    EXPECT_EQ(backoff_delay(rules, 1000000, 0.5), 102400ms);
}

TEST(Backoff, JitterOnlyShortens) {
    const settings::Backoff rules{.min = 1s, .max = 1s, .steps = 1, .jitter = 0.2};
    EXPECT_EQ(backoff_delay(rules, 3, 0), 1s);
    EXPECT_NEAR(seconds(backoff_delay(rules, 3, 0.999)), 0.8, 0.001);
}

settings::Restart rules() {
    return {.intensity = 2,
            .period = 10s,
            .call_crashes = 3,
            .backoff = {.min = 100ms, .max = 10s, .steps = 10, .jitter = 0},
            .reset_after = 5s,
            .cooldown = 30s};
}

TEST(RestartPolicy, FailedStartsOpenTheBreaker) {
    RestartPolicy policy{rules()};
    EXPECT_FALSE(policy.on_end(EndCause::failed_start, t0, 0).quarantine);
    EXPECT_FALSE(policy.on_end(EndCause::failed_start, t0 + 1s, 0).quarantine);
    EXPECT_TRUE(policy.on_end(EndCause::failed_start, t0 + 2s, 0).quarantine);
    EXPECT_EQ(policy.breaker(), BreakerState::open);
    EXPECT_EQ(policy.probe_due(), t0 + 32s);
}

TEST(RestartPolicy, CrashesInCallsNeverOpenTheBreakerButSlowDown) {
    RestartPolicy policy{rules()};
    for (int i = 0; i < 3; ++i) EXPECT_EQ(policy.on_end(EndCause::in_call, t0, 0).delay, 0s) << i;
    Duration last{};
    for (int i = 0; i < 50; ++i) {
        const auto decision = policy.on_end(EndCause::in_call, t0, 0);
        EXPECT_FALSE(decision.quarantine);
        EXPECT_GT(decision.delay, 0s);
        EXPECT_GE(decision.delay, last);
        last = decision.delay;
    }
    EXPECT_EQ(policy.breaker(), BreakerState::closed);
}

TEST(RestartPolicy, IntendedEndsCountForNothing) {
    RestartPolicy policy{rules()};
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(policy.on_end(EndCause::intended, t0, 0).quarantine);
}

TEST(RestartPolicy, ForgetsTheBackOffAfterGoodService) {
    RestartPolicy policy{rules()};
    const auto first = policy.on_end(EndCause::failed_start, t0, 0).delay;
    const auto second = policy.on_end(EndCause::failed_start, t0 + 20s, 0).delay;
    EXPECT_GT(second, first) << "no call was served in between";
    policy.on_served();
    EXPECT_GT(policy.on_end(EndCause::outside_call, t0 + 22s, 0).delay, second) << "served, but not for reset_after";
    policy.on_served();
    EXPECT_EQ(policy.on_end(EndCause::outside_call, t0 + 40s, 0).delay, 0s) << "it has worked";
    EXPECT_EQ(policy.on_end(EndCause::outside_call, t0 + 41s, 0).delay, second);
}

TEST(RestartPolicy, AWorkerOfAPoolThatHasServedIsReplacedAtOnceTheFirstTime) {
    RestartPolicy policy{rules()};
    policy.on_served();
    EXPECT_EQ(policy.on_end(EndCause::outside_call, t0, 0).delay, 0s);
    policy.on_served();
    EXPECT_GT(policy.on_end(EndCause::outside_call, t0 + 1s, 0).delay, 0s) << "not again and again";
}

TEST(RestartPolicy, ATryAfterNoServiceWaits) {
    RestartPolicy policy{rules()};
    EXPECT_GT(policy.on_end(EndCause::outside_call, t0, 0).delay, 0s);
}

TEST(RestartPolicy, AProbeClosesTheBreakerAndTheNextFailureOpensItAgain) {
    RestartPolicy policy{rules()};
    for (int i = 0; i < 3; ++i) (void)policy.on_end(EndCause::failed_start, t0, 0);
    policy.begin_probe();
    EXPECT_EQ(policy.breaker(), BreakerState::half_open);
    EXPECT_TRUE(policy.on_end(EndCause::failed_start, t0 + 30s, 0).quarantine) << "the probe failed";
    policy.begin_probe();
    policy.on_ready(t0 + 60s);
    EXPECT_EQ(policy.breaker(), BreakerState::closed);
}

TEST(RestartPolicy, AnOperatorForgives) {
    RestartPolicy policy{rules()};
    for (int i = 0; i < 3; ++i) (void)policy.on_end(EndCause::failed_start, t0, 0);
    policy.forgive();
    EXPECT_EQ(policy.breaker(), BreakerState::closed);
    EXPECT_FALSE(policy.on_end(EndCause::failed_start, t0, 0).quarantine);
}

}  // namespace
}  // namespace caisson::fleet
