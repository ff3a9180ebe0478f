// SPDX-License-Identifier: Apache-2.0
#include "dispatch/retry.hpp"

#include <gtest/gtest.h>

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;
using settings::RetryCause;

fleet::PluginInfo plugin() {
    return fleet::PluginInfo::parse(
               R"({"name":"p","version":"1","abi":"1.0","methods":[
                   {"name":"once","help":"","input":"none","output":"none","idempotent":false},
                   {"name":"again","help":"","input":"none","output":"none","idempotent":true}]})")
        .value();
}

TEST(Retry, ThePoolsNumberIsForIdempotentMethods) {
    const auto info = plugin();
    settings::Pool pool;
    pool.retry.retries = 3;
    MethodNames names;
    Call call;
    call.name = names.get("again");
    EXPECT_EQ(granted_retries(call, pool, &info), 3U);
    call.name = names.get("once");
    EXPECT_EQ(granted_retries(call, pool, &info), 0U);
    EXPECT_EQ(granted_retries(call, pool, nullptr), 0U) << "nobody knows yet what the method is like";
}

TEST(Retry, AMethodsOwnNumberCountsWhateverItIs) {
    const auto info = plugin();
    settings::Pool pool;
    pool.retry.retries = 3;
    pool.methods["once"].retries = 1;
    pool.methods["again"].retries = 0;
    MethodNames names;
    Call call;
    call.name = names.get("once");
    EXPECT_EQ(granted_retries(call, pool, &info), 1U);
    call.name = names.get("again");
    EXPECT_EQ(granted_retries(call, pool, &info), 0U);
}

TEST(Retry, TheCallerHasTheLastWord) {
    const auto info = plugin();
    settings::Pool pool;
    pool.retry.retries = 3;
    MethodNames names;
    Call call;
    call.name = names.get("once");
    call.retries = 5;
    EXPECT_EQ(granted_retries(call, pool, &info), 5U);
    call.name = names.get("again");
    call.retries = 0;
    EXPECT_EQ(granted_retries(call, pool, &info), 0U);
}

TEST(Retry, OnlyAfterTheCausesThatAreNamed) {
    settings::Retry rules;
    EXPECT_TRUE(is_retried(RetryCause::crashed, rules));
    EXPECT_FALSE(is_retried(RetryCause::timed_out, rules));
    rules.on = {};
    EXPECT_FALSE(is_retried(RetryCause::crashed, rules));
}

TEST(Retry, ThePauseDoublesToItsBoundAndChanceShortensIt) {
    settings::Retry rules;
    rules.backoff_min = 50ms;
    rules.backoff_max = 300ms;
    EXPECT_EQ(retry_pause(1, rules, 0), 50ms);
    EXPECT_EQ(retry_pause(2, rules, 0), 100ms);
    EXPECT_EQ(retry_pause(3, rules, 0), 200ms);
    EXPECT_EQ(retry_pause(4, rules, 0), 300ms);
    EXPECT_EQ(retry_pause(200, rules, 0), 300ms);
    EXPECT_EQ(retry_pause(2, rules, 1), 50ms);
}

}  // namespace
}  // namespace caisson::dispatch
