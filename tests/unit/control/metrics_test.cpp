// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace caisson::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

/// A service of which everything that can be told has happened once.
struct Scene {
    dispatch::Measures measures;
    ServiceMetrics facts;

    Scene() {
        measures.at(TimePoint{1000s}, {});
        auto& square = measures.method("square");
        measures.add(square, {.items = 3, .waiting_ns = 1'000'000, .running_ns = 2'000});
        square.by_outcome[0] = 3;
        measures.refused["queue_full"] = 4;
        measures.crashes["SIGSEGV"] = 5;
        measures.ends["signaled"] = 5;
        measures.timed_out_running = 6;
        facts = {.version = "1.2.3",
                 .pools = {{.name = "math",
                            .state = "degraded",
                            .queued = 7,
                            .queued_bytes = 700,
                            .running = 2,
                            .retries = 8,
                            .by_outcome = {3, 0, 5, 6, 0, 4},
                            .measures = &measures,
                            .workers = {{"idle", 1}, {"running", 2}},
                            .restarts = {{"call", 5}}}},
                 .refused = {{"unknown_pool", 9}},
                 .sessions = 10,
                 .http_connections = 11,
                 .log_dropped = 12,
                 .process = this_process(5)};
    }
};

TEST(Metrics, TellWhatWasCounted) {
    const auto text = metrics_text(Scene{}.facts);
    for (const char* const line : {
             R"(caisson_calls_total{pool="math",outcome="crashed"} 5)",
             R"(caisson_method_calls_total{pool="math",method="square",outcome="ok"} 3)",
             R"(caisson_call_retries_total{pool="math"} 8)",
             R"(caisson_calls_timed_out_total{pool="math",phase="running"} 6)",
             R"(caisson_calls_refused_total{pool="math",reason="queue_full"} 4)",
             R"(caisson_calls_refused_total{pool="",reason="unknown_pool"} 9)",
             R"(caisson_call_wait_seconds_count{pool="math",method="square"} 3)",
             R"(caisson_worker_crashes_total{pool="math",signal="SIGSEGV"} 5)",
             R"(caisson_worker_exits_total{pool="math",kind="signaled"} 5)",
             R"(caisson_worker_restarts_total{pool="math",cause="call"} 5)",
             R"(caisson_worker_restarts_total{pool="math",cause="idle"} 0)",
             R"(caisson_workers{pool="math",state="running"} 2)",
             R"(caisson_workers{pool="math",state="spare"} 0)",
             R"(caisson_pool_state{pool="math",state="degraded"} 1)",
             R"(caisson_pool_state{pool="math",state="ready"} 0)",
             R"(caisson_queue_calls{pool="math"} 7)",
             R"(caisson_queue_bytes{pool="math"} 700)",
             R"(caisson_running_calls{pool="math"} 2)",
             R"(caisson_build_info{version="1.2.3"} 1)",
             "caisson_sessions 10",
             "caisson_http_connections 11",
             "caisson_log_dropped_total 12",
         })
        EXPECT_THAT(text, HasSubstr(std::string{line} + "\n"));
}

TEST(Metrics, OfTimesAreCumulativeAndEndWithInfinity) {
    const auto text = metrics_text(Scene{}.facts);
    EXPECT_THAT(text, HasSubstr(R"(caisson_call_run_seconds_bucket{pool="math",method="square",le="4.096e-06"} 3)"));
    EXPECT_THAT(text, HasSubstr(R"(caisson_call_wait_seconds_bucket{pool="math",method="square",le="0.000262144"} 0)"));
    EXPECT_THAT(text, HasSubstr(R"(caisson_call_wait_seconds_bucket{pool="math",method="square",le="0.001048576"} 3)"));
    EXPECT_THAT(text, HasSubstr(R"(caisson_call_wait_seconds_bucket{pool="math",method="square",le="+Inf"} 3)"));
}

TEST(Metrics, AreOfThisProcess) {
    const auto process = this_process(5);
    EXPECT_GT(process.resident_bytes, 100'000U);
    EXPECT_GT(process.virtual_bytes, process.resident_bytes);
    EXPECT_GT(process.open_fds, 2U);
    EXPECT_GE(process.max_fds, process.open_fds);
    EXPECT_GT(process.started_s, 1.7e9);
}

TEST(Metrics, OfAnEmptyServiceAreThereToo) {
    const auto text = metrics_text(ServiceMetrics{});
    EXPECT_THAT(text, HasSubstr("caisson_sessions 0\n"));
    EXPECT_THAT(text, Not(HasSubstr("pool=")));
}

TEST(Metrics, HaveLabelsThatCannotBreakTheFormat) {
    Scene scene;
    scene.measures.refused["a \"reason\"\nwith\\more"] = 1;
    EXPECT_THAT(metrics_text(scene.facts), HasSubstr(R"(reason="a \"reason\"\nwith\\more"} 1)"));
}

/// docs/metrics.md has a row for each: | `name` | type | labels | meaning |
TEST(Documentation, HasEachMetricWithItsTypeAndLabels) {
    std::set<std::string> told;
    std::ifstream page{std::string{CAISSON_SOURCE_DIR} + "/docs/metrics.md"};
    static const std::regex row{R"(^\| `([a-z_]+)` \| (\w+) \| ([^|]*) \|.*$)"};
    for (std::string line; std::getline(page, line);)
        if (std::smatch match; std::regex_match(line, match, row))
            told.insert(match[1].str() + " " + match[2].str() + " " + match[3].str());

    std::map<std::string, std::string> types;
    std::map<std::string, std::string> labels;
    std::istringstream text{metrics_text(Scene{}.facts)};
    static const std::regex sample{R"(^([a-z_]+?)(_bucket|_sum|_count)?(\{(.*)\})? .*$)"};
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("# TYPE ")) {
            std::istringstream words{line.substr(7)};
            std::string name;
            words >> name >> types[name];
            words >> types[name];
        }
        std::smatch match;
        if (line.starts_with("#") || !std::regex_match(line, match, sample)) continue;
        const auto name = types.contains(match[1].str()) ? match[1].str() : match[1].str() + match[2].str();
        std::string list;
        static const std::regex label{R"(([a-z]+)=")"};
        const auto all = match[4].str();
        for (std::sregex_iterator found{all.begin(), all.end(), label}, end; found != end; ++found)
            if ((*found)[1] != "le") list += (list.empty() ? "`" : ", `") + (*found)[1].str() + "`";
        labels[name] = list;
    }
    std::set<std::string> exported;
    for (const auto& [name, type] : types) exported.insert(name + " " + type + " " + labels[name]);
    EXPECT_EQ(told, exported);
}

}  // namespace
}  // namespace caisson::control
