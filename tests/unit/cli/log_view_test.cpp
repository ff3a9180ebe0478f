// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(LogView, AnEventIsOneLineWithItsParticulars) {
    const Json line{{"seq", 7},           {"time", "2026-01-01T00:00:00.000Z"},
                    {"level", "info"},    {"event", "worker_ready"},
                    {"message", "ready"}, {"pool", "math"},
                    {"worker", 2},        {"why", "two words"}};
    EXPECT_EQ(event_line(line),
              "2026-01-01T00:00:00.000Z worker_ready       ready pool=math why=\"two words\" worker=2\n");
    EXPECT_EQ(log_line(line),
              "2026-01-01T00:00:00.000Z info    ready event=worker_ready pool=math why=\"two words\" worker=2\n");
}

TEST(LogView, ALineOfAPluginMovesNoCursor) {
    const Json line{{"time", "now"}, {"level", "info"}, {"event", ""}, {"message", "\x1b[2J evil"}, {"x", "a\nb"}};
    EXPECT_EQ(log_line(line), "now info    \\x1b[2J evil x=a\\x0ab\n");
}

TEST(LogView, WhatIsNotThereIsEmpty) { EXPECT_EQ(log_line(Json::object()), "         \n"); }

}  // namespace
}  // namespace caisson::cli
