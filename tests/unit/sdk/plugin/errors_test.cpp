// SPDX-License-Identifier: Apache-2.0
/// Everything that a method can throw becomes a status and a text; nothing gets past the C boundary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "defined.hpp"

namespace {

using caisson::plugin::Definition;
using caisson::plugin::Error;
using caisson::plugin::Json;
using caisson::plugin::Status;
using caisson::test::Answer;
using testing::HasSubstr;

struct Silent : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};
struct Wordless : std::exception {
    [[nodiscard]] const char* what() const noexcept override { return ""; }
};
/// A type that cannot be decoded, for its conversion throws something of its own.
struct Stubborn {};
void from_json(const Json& json, Stubborn&) {
    if (json.is_string()) throw Error{Status::not_found, "no such thing"};
    throw std::out_of_range("never");
}

struct Methods {
    static void define(Definition& plugin) {
        plugin.method("runtime", [] { throw std::runtime_error("out of paper"); });
        plugin.method("not_found", [] { throw Error{Status::not_found, "no page 7"}; });
        plugin.method("unavailable", [] { throw Error{Status::unavailable, "later"}; });
        plugin.method("number", [] { throw 42; });
        plugin.method("text", [] { throw "a text"; });
        plugin.method("string", [] { throw std::string{"a string"}; });
        plugin.method("memory", [] { throw std::bad_alloc{}; });
        plugin.method("silent", [] { throw Silent{}; });
        plugin.method("wordless", [] { throw Wordless{}; });
        plugin.method("bytes", [] {
            throw std::runtime_error(
                "a\xFF"
                "b");
        });
        plugin.method("accents", [] { throw std::runtime_error("zu spät"); });
        plugin.method("latin1", [] { return std::string{"caf\xE9"}; });
        plugin.method("nested", [] { return Json{{"name", "caf\xE9"}}; });
        plugin.method("stubborn", [](Stubborn) {});
        plugin.method("json", [](Json json) { return json.at("missing"); });
    }
};

Answer call(std::string_view method, std::string_view body = {}) {
    return caisson::test::call_once<Methods>(method, {.body = body});
}

TEST(Errors, AnExceptionIsInternalWithItsText) {
    EXPECT_EQ(call("runtime").status, CAISSON_INTERNAL);
    EXPECT_EQ(call("runtime").error, "out of paper");
    EXPECT_EQ(call("memory").status, CAISSON_INTERNAL);
    EXPECT_EQ(call("memory").error, "std::bad_alloc");
    EXPECT_EQ(call("json", "{}").status, CAISSON_INTERNAL);
}

TEST(Errors, AnErrorHasTheStatusOfItsChoice) {
    EXPECT_EQ(call("not_found").status, CAISSON_NOT_FOUND);
    EXPECT_EQ(call("not_found").error, "no page 7");
    EXPECT_EQ(call("unavailable").status, CAISSON_UNAVAILABLE);
}

TEST(Errors, WhatIsNoExceptionIsNamed) {
    EXPECT_EQ(call("number").status, CAISSON_INTERNAL);
    EXPECT_EQ(call("number").error, "threw int, which is not a std::exception");
    EXPECT_EQ(call("text").error, "threw char const*, which is not a std::exception");
    EXPECT_THAT(call("string").error, HasSubstr("basic_string"));
}

TEST(Errors, AnExceptionWithoutATextGetsOne) {
    EXPECT_EQ(call("silent").error, "an exception without a text");
    EXPECT_EQ(call("wordless").error, "an exception without a text");
}

TEST(Errors, TextsAreUtf8) {
    EXPECT_EQ(call("bytes").error,
              "a\xEF\xBF\xBD"
              "b");
    EXPECT_EQ(call("accents").error, "zu spät");
}

TEST(Errors, AResultThatIsNotUtf8IsAnError) {
    for (const auto* const method : {"latin1", "nested"}) {
        EXPECT_EQ(call(method).status, CAISSON_INTERNAL);
        EXPECT_THAT(call(method).error, HasSubstr("the result cannot be written as JSON: "));
        EXPECT_THAT(call(method).error, HasSubstr("UTF-8"));
        EXPECT_EQ(call(method).output, "");
    }
}

TEST(Errors, AConversionThatThrowsIsAnInvalidArgument) {
    EXPECT_EQ(call("stubborn", "7").status, CAISSON_INVALID_ARGUMENT);
    EXPECT_THAT(call("stubborn", "7").error, HasSubstr("got 7: never"));
    EXPECT_EQ(call("stubborn", "\"x\"").status, CAISSON_NOT_FOUND);
}

TEST(Errors, AMethodNumberThatIsNotThereIsNotFound) {
    caisson::test::Instance instance{caisson::test::defined<Methods>()};
    EXPECT_EQ(instance.call(1000, {}).status, CAISSON_NOT_FOUND);
}

}  // namespace
