// SPDX-License-Identifier: Apache-2.0
#include "cli/document.hpp"

#include <gtest/gtest.h>

namespace caisson::cli {
namespace {

TEST(Document, WhatIsAbsentOrOfAnotherTypeIsNotThere) {
    const auto document = parse_document(R"({"text":"a","number":7,"list":["x",1,"y"],"half":1.5,"huge":1e300})");
    EXPECT_EQ(text(document, "text"), "a");
    EXPECT_EQ(text(document, "number"), "");
    EXPECT_EQ(text(document, "none"), "");
    EXPECT_EQ(digits(document, "number"), "7");
    EXPECT_EQ(digits(document, "half"), "1");
    EXPECT_EQ(number(document, "huge"), 9'000'000'000'000'000'000);
    EXPECT_EQ(digits(document, "text"), "");
    EXPECT_EQ(texts(document, "list"), (std::vector<std::string>{"x", "y"}));
    EXPECT_TRUE(member(document, "none").is_null());
    EXPECT_TRUE(member(Json{}, "any").is_null());
    EXPECT_TRUE(parse_document("{\"a\":").is_null());
}

TEST(Document, TextsAreMadeSafeForATerminal) {
    const auto document = parse_document("{\"text\":\"\\u001b[31mred\\u0007\"}");
    EXPECT_EQ(text(document, "text"), "\\x1b[31mred\\x07");
}

TEST(OkDocument, JsonIsItselfTextIsAStringTheRestIsBase64) {
    EXPECT_EQ(ok_document("49", true), R"({"outcome":"ok","output":49})");
    EXPECT_EQ(ok_document("12345678901234567890123", true), R"({"outcome":"ok","output":12345678901234567890123})");
    EXPECT_EQ(ok_document("[1,\n2]", true, 3), R"({"line":3,"outcome":"ok","output":[1, 2]})");
    EXPECT_EQ(ok_document("a\n\"b\"", false), R"({"outcome":"ok","output":"a\n\"b\""})");
    EXPECT_EQ(ok_document("not json", true), R"({"outcome":"ok","output":"not json"})");
    EXPECT_EQ(ok_document("\xFF\x01", false), R"({"outcome":"ok","output_base64":"/wE="})");
    EXPECT_EQ(ok_document("\xFF\x01\x02", false), R"({"outcome":"ok","output_base64":"/wEC"})");
    EXPECT_EQ(ok_document("", false), R"({"outcome":"ok","output":""})");
}

}  // namespace
}  // namespace caisson::cli
