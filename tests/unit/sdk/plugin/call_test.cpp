// SPDX-License-Identifier: Apache-2.0
/// What a method sees of its call, and what it says through it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "defined.hpp"

namespace {

using caisson::plugin::Call;
using caisson::plugin::Definition;
using caisson::plugin::Encoding;
using caisson::test::call_once;
using testing::ElementsAre;
using testing::HasSubstr;

struct Methods {
    static void define(Definition& plugin) {
        plugin.method("facts", [](Call& call) {
            const auto deadline = call.deadline();
            return caisson::plugin::Json{{"id", call.id()},
                                         {"attempt", call.attempt()},
                                         {"encoding", static_cast<int>(call.encoding())},
                                         {"params", call.params()},
                                         {"deadline", deadline ? deadline->time_since_epoch().count() : -1}};
        });
        plugin
            .method("stream",
                    [](Call& call) {
                        call.set_encoding(Encoding::json);
                        call.progress(0.5, "half");
                        call.write("[1,");
                        call.progress(1);
                        call.write("2]");
                    })
            .output("json");
        plugin.method("give_up", [](const Call& call) { call.check_cancelled(); });
        plugin.method("named", [](std::int64_t n, Call& call) {
            return n * call.param<std::int64_t>("factor") + call.param("offset", std::int64_t{0});
        });
    }
};

TEST(Call, ShowsWhatTheHostSays) {
    const auto facts = caisson::plugin::Json::parse(
        call_once<Methods>("facts", {.encoding = CAISSON_JSON, .params = R"({"a":1})", .deadline_ns = 99, .id = 7})
            .output);
    EXPECT_EQ(facts, (caisson::plugin::Json{
                         {"id", 7}, {"attempt", 1}, {"encoding", 1}, {"params", {{"a", 1}}}, {"deadline", 99}}));
}

TEST(Call, HasNoParamsAndNoDeadlineIfThereAreNone) {
    const auto facts = caisson::plugin::Json::parse(call_once<Methods>("facts").output);
    EXPECT_EQ(facts.at("params"), caisson::plugin::Json::object());
    EXPECT_EQ(facts.at("deadline"), -1);
}

TEST(Call, StreamsAndReportsProgress) {
    const auto answer = call_once<Methods>("stream");
    EXPECT_EQ(answer.output, "[1,2]");
    EXPECT_EQ(answer.writes, 2u);
    EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_JSON));
    EXPECT_THAT(answer.progress, ElementsAre(0.5, 1.0));
}

TEST(Call, GivesUpWhenAsked) {
    EXPECT_EQ(call_once<Methods>("give_up").status, CAISSON_OK);
    EXPECT_EQ(call_once<Methods>("give_up", {.cancelled = true}).status, CAISSON_CANCELLED);
}

TEST(Call, TakesParamsByName) {
    EXPECT_EQ(call_once<Methods>("named", {.body = "3", .params = R"({"factor":2})"}).output, "6");
    EXPECT_EQ(call_once<Methods>("named", {.body = "3", .params = R"({"factor":2,"offset":1})"}).output, "7");
}

TEST(Call, NamesTheParamThatIsWrong) {
    const auto error = [](std::string_view params) {
        const auto answer = call_once<Methods>("named", {.body = "3", .params = params});
        EXPECT_EQ(answer.status, CAISSON_INVALID_ARGUMENT);
        return answer.error;
    };
    EXPECT_EQ(error(""), "params.factor: expected int64");
    EXPECT_EQ(error(R"({"factor":"x"})"), R"(params.factor: expected int64, got "x")");
    EXPECT_EQ(error(R"({"factor":1,"offset":null})"), "params.offset: expected int64, got null");
    EXPECT_EQ(error("[1]"), "params: expected an object, got an array of 1");
    EXPECT_THAT(error("{"), HasSubstr("expected params as JSON, got '{'"));
}

}  // namespace
