// SPDX-License-Identifier: Apache-2.0
/// Data that cannot be read or written, and exceptions that are none: each is `failed` for that call, with its text,
/// and costs no worker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/ends.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

struct Bad {
    std::string name;
    std::string target;
    std::string body;
    std::string params;
    std::string expected;
    std::string said;
};
void PrintTo(const Bad& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.name;
}

const std::vector<Bad>& rows() {
    static const std::vector<Bad> all{
        {"params_no_json", "chaos.fail", "", "{\"status\": ", "failed invalid_argument", "params"},
        {"params_no_object", "chaos.fail", "", "[1]", "failed invalid_argument", "params"},
        {"params_no_utf8", "chaos.fail", "", "{\"message\": \"\xff\xfe\"}", "failed invalid_argument", "params"},
        {"params_of_another_type", "chaos.fail", "", R"({"status": 7})", "failed invalid_argument", "params.status"},
        {"body_no_number", "math.square", "seven", "", "failed invalid_argument", ""},
        {"body_beyond_its_type", "math.square", "99999999999999999999", "", "failed invalid_argument", ""},
        {"body_for_none", "chaos.segv", "something", "", "failed invalid_argument", "expected no input"},
        {"result_not_a_number", "unencodable.nan", "", "", "failed internal", ""},
        {"result_no_utf8", "unencodable.no_utf8", "", "", "failed internal", ""},
        {"result_deep", "unencodable.infinite_in_array", "", "", "failed internal", ""},
        {"throws_no_exception", "chaos.throw_int", "", "", "failed internal", "int"},
        {"throws_what_throws", "chaos.throw_what", "", "", "failed internal", "WorseThanItself"},
        {"throws", "chaos.throw", "", "", "failed internal", "thrown, as asked"},
        {"status_unknown", "probe.strange_status", "", "", "failed internal", "7"},
        {"error_no_utf8", "probe.fail_with_text", "\xff\xfe text", "", "failed not_found", "text"},
        {"error_huge", "probe.fail_with_text", std::string(60'000, 'e'), "", "failed not_found", "eee"},
    };
    return all;
}

class BadData : public testing::TestWithParam<Bad> {
   protected:
    Service service_{{.pools = "[pool.math]\nworkers = 1\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() +
                               "\"\n[pool.probe]\nworkers = 1\nplugin = \"" + fixture_library("probe") +
                               "\"\n[pool.unencodable]\nworkers = 1\nplugin = \"" + fixture_library("unencodable") +
                               "\"\n"}};
};

TEST_P(BadData, FailsItsCallWithItsText) {
    const auto& row = GetParam();
    const auto pool = row.target.substr(0, row.target.find('.'));
    const auto before = service_.workers(pool);
    auto client = service_.client();
    const auto result = call(client, row.target, row.body, row.params);
    EXPECT_EQ(summary(result), row.expected) << result.json;
    EXPECT_THAT(result.message, HasSubstr(row.said));
    EXPECT_FALSE(result.message.empty());
    EXPECT_TRUE(Json::accept(result.json)) << "also a text that is no UTF-8 is told as JSON";

    // The same in a batch, between good ones.
    Ends ends{client};
    if (row.params.empty()) {
        const auto batch = ends.submit({.target = row.target}, {row.body, row.body});
        ends.take_all();
        EXPECT_EQ(ends.of(batch, 0), row.expected);
        EXPECT_EQ(ends.of(batch, 1), row.expected);
    }
    EXPECT_EQ(call(client, "math.square", "7").output, "49");
    EXPECT_EQ(service_.workers(pool), before);
}

INSTANTIATE_TEST_SUITE_P(All, BadData, testing::ValuesIn(rows()), [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace caisson::test
