// SPDX-License-Identifier: Apache-2.0
#include "cli/top/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/cli/top/sample.hpp"

namespace caisson::cli::top {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const Model& model) {
    std::vector<std::string> out;
    for (const auto& pool : model.pools) out.push_back(pool.name);
    for (const auto& worker : model.workers) out.push_back(name_of(worker));
    return out;
}

TEST(TopModel, PoolsByNameAndWorkersByPoolAndNumber) {
    EXPECT_THAT(names(sample()),
                ElementsAre("bad", "ledger", "math", "ledger/1", "math/1", "math/2", "math/3", "math/10"));
}

TEST(TopModel, RatesAreWhatTheCountersWentUpByInTheServicesTime) {
    const auto model = sample();
    EXPECT_EQ(model.pools[2].calls_per_s, 1234.0);  // 2468 calls in 2 s, whatever their outcome
    EXPECT_EQ(model.pools[1].calls_per_s, 1.5);
    EXPECT_EQ(model.pools[0].calls_per_s, 20.0);
    EXPECT_EQ(model.service.calls_per_s, 1255.5);
}

TEST(TopModel, WithoutADocumentOfTheSameServiceThereAreNoRates) {
    const auto now = parse_document(sample_now);
    auto other = parse_document(sample_before);
    other["supervisor"]["pid"] = 99;  // it was restarted
    for (const auto& before : {Json{}, other, now}) {
        const auto model = model_of(now, before);
        EXPECT_EQ(model.service.calls_per_s, std::nullopt);
        EXPECT_EQ(model.pools[2].calls_per_s, std::nullopt);
    }
}

TEST(TopModel, CountersThatWentBackAreOfAnotherPoolOfThatName) {
    auto before = parse_document(sample_before);
    before["pools"][0]["calls"]["ok"] = 1'000'000;
    EXPECT_EQ(model_of(parse_document(sample_now), before).pools[2].calls_per_s, std::nullopt);
}

TEST(TopModel, TheServicesOwnRateIsShownAtFirst) {
    auto now = parse_document(sample_now);
    now["pools"][0]["rates"]["1s"] = 77.5;
    EXPECT_EQ(model_of(now, {}).pools[2].calls_per_s, 77.5);
    EXPECT_EQ(model_of(now, parse_document(sample_before)).pools[2].calls_per_s, 1234.0);
}

TEST(TopModel, SumsOverThePools) {
    const auto service = sample().service;
    EXPECT_EQ(service.running, 3);
    EXPECT_EQ(service.queued, 7);
    EXPECT_EQ(service.ready, 4);
    EXPECT_EQ(service.target, 7);
    EXPECT_EQ(service.sessions, 3);
}

TEST(TopModel, WhatIsNotToldIsNotZero) {
    const auto& ledger = sample().pools[1];
    EXPECT_EQ(ledger.p50_s, std::nullopt);
    EXPECT_EQ(ledger.memory_bytes, std::nullopt);
    EXPECT_EQ(sample().workers[4].running_s, std::nullopt);
}

TEST(TopModel, WithoutCallsThereAreNoLatencies) {
    auto now = parse_document(sample_now);
    now["pools"][0]["latency"]["minute"]["calls"] = 0;
    EXPECT_EQ(model_of(now, {}).pools[2].p50_s, std::nullopt);
    now["pools"][0]["latency"]["minute"]["calls"] = 1;
    EXPECT_EQ(model_of(now, {}).pools[2].p50_s, 0.000012);
}

TEST(TopModel, NonsenseIsNotFatal) {
    for (const auto* json : {"null", "7", "[]", R"({"pools":7})", R"({"pools":{"a":{"workers":7}},"supervisor":[]})",
                             R"({"pools":[7,{"workers":"x","calls":[1],"latency":3,"name":9}]})"})
        for (const auto* before : {"null", R"({"pools":[[],{"name":3}]})"})
            EXPECT_LE(model_of(parse_document(json), parse_document(before)).pools.size(), 2U);
}

TEST(TopModel, TextsCannotMoveTheCursor) {
    auto now = parse_document(sample_now);
    now["pools"][0]["workers"][0]["method"] = "a\x1b[2J\nb";
    EXPECT_EQ(model_of(now, {}).workers[1].method, "a\\x1b[2J\\x0ab");
}

}  // namespace
}  // namespace caisson::cli::top
