// SPDX-License-Identifier: Apache-2.0
#include "embed/pool_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace caisson::embed {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// The defaults of the options are those of the service, which config/caisson.toml explains.
TEST(PoolSettings, AreTheServicesByDefault) {
    settings::Pool expected;
    expected.plugin = "/proc/self/exe";
    expected.name = "exe";
    const auto made = pool_settings({.plugin = "/proc/self/exe"}, {});
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_TRUE(*made == expected);
}

TEST(PoolSettings, TakeOverWhatIsSaid) {
    const auto made = pool_settings({.plugin = "/proc/self/exe",
                                     .workers = 3,
                                     .name = "mine",
                                     .timeout = 1s,
                                     .retries = 2,
                                     .retry_on = {RetryOn::failed, RetryOn::crashed, RetryOn::failed},
                                     .queue = {.calls = 7, .full = WhenFull::wait},
                                     .env = {{"A", "b"}},
                                     .settings = R"({"key": 1})",
                                     .isolation = Isolation::none},
                                    {});
    ASSERT_TRUE(made) << made.error().text();
    EXPECT_EQ(made->workers, 3U);
    EXPECT_EQ(made->name, "mine");
    EXPECT_EQ(made->timeout, 1s);
    EXPECT_EQ(made->retry.retries, 2U);
    EXPECT_EQ(made->retry.on, (std::vector{settings::RetryCause::crashed, settings::RetryCause::failed}));
    EXPECT_EQ(made->queue.calls, 7U);
    EXPECT_EQ(made->queue.full, settings::QueueFull::wait);
    EXPECT_EQ(made->env.at("A"), "b");
    EXPECT_EQ(made->settings_json, R"({"key": 1})");
    EXPECT_EQ(made->isolation.level, settings::IsolationLevel::none);
}

TEST(PoolSettings, SayWhichOptionCannotBe) {
    const auto fault = [](const PoolOptions& options) {
        const auto made = pool_settings(options, "/nowhere");
        return made ? std::string{} : made.error().text();
    };
    EXPECT_THAT(fault({.plugin = "x", .workers = 1025}), StartsWith("workers is 1025, but must be 1 to 1024"));
    EXPECT_THAT(fault({.plugin = "x", .timeout = 31 * 24h}), StartsWith("timeout is 2678400000ms"));
    EXPECT_THAT(fault({.plugin = "x", .retries = 101}), StartsWith("retries is 101"));
    EXPECT_THAT(fault({.plugin = "x", .limits = {.memory = 1}}), StartsWith("limits.memory is 1"));
    EXPECT_THAT(fault({.plugin = "x", .poison = {.window = 0ms}}), StartsWith("poison.window is 0ms"));
    EXPECT_EQ(fault({.plugin = "x"}), "plugin \"x\": there is no libx.so or x.so in \"/nowhere\"");
    EXPECT_THAT(fault({.plugin = "./x"}), HasSubstr("there is no x in"));
}

TEST(Terms, AreChecked) {
    EXPECT_FALSE(fault_of(CallTerms{}));
    EXPECT_FALSE(fault_of(CallTerms{.params = R"({"a": 1})", .timeout = 0ms, .priority = -10, .retries = 100}));
    EXPECT_THAT(fault_of(CallTerms{.timeout = -1ms})->what, StartsWith("timeout is -1ms"));
    EXPECT_THAT(fault_of(CallTerms{.priority = 11})->what, StartsWith("priority is 11, but must be -10 to 10"));
    EXPECT_THAT(fault_of(CallTerms{.retries = -1})->what, StartsWith("retries is -1"));
    EXPECT_THAT(fault_of(CallTerms{.params = "[1]"})->what, HasSubstr("no JSON object"));
    EXPECT_THAT(fault_of(CallTerms{.params = std::string(70'000, ' ')})->what, HasSubstr("max_params_bytes"));
    EXPECT_THAT(fault_of_workers(0)->what, StartsWith("workers is 0"));
    EXPECT_FALSE(fault_of_workers(1));
}

}  // namespace
}  // namespace caisson::embed
