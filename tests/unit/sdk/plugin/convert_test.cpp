// SPDX-License-Identifier: Apache-2.0
/// Bodies to typed values and back: JSON, packed, and everything that must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "defined.hpp"

namespace {

using caisson::plugin::Bytes;
using caisson::plugin::Definition;
using caisson::plugin::Json;
using caisson::plugin::Raw;
using caisson::test::Answer;
using caisson::test::packed;
using testing::HasSubstr;

struct Point {
    int x = 0;
    int y = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Point, x, y)

struct Methods {
    static void define(Definition& plugin) {
        plugin.method("i8", [](std::int8_t n) { return n; });
        plugin.method("u8", [](std::uint8_t n) { return n; });
        plugin.method("i64", [](std::int64_t n) { return n; });
        plugin.method("u64", [](std::uint64_t n) { return n; });
        plugin.method("f32", [](float n) { return n; });
        plugin.method("f64", [](double n) { return n; });
        plugin.method("bool", [](bool b) { return b; });
        plugin.method("text", [](const std::string& s) { return s; });
        plugin.method("i16s", [](std::vector<std::int16_t> v) { return v; });
        plugin.method("rows", [](std::vector<std::vector<double>> v) { return v; });
        plugin.method("bools", [](std::vector<bool> v) { return v; });
        plugin.method("point", [](Point p) { return Point{p.y, p.x}; });
        plugin.method("map", [](const std::map<std::string, double>& m) { return m; });
        plugin.method("any", [](Json j) { return j; });
        plugin.method("raw", [](Bytes body) { return Raw{std::string{caisson::plugin::text(body)}}; });
        plugin.method("copy", [](Bytes body) { return std::vector<std::byte>{body.begin(), body.end()}; });
        plugin.method("none", [] {});
        plugin.method("seven", [] { return std::int64_t{7}; });
        plugin.method("scale", [](double a, double b) { return a * b; });
        plugin.method("repeat", [](const std::string& s, std::uint8_t n) {
            std::string all;
            for (int i = 0; i < n; ++i) all += s;
            return all;
        });
        plugin.method("length", [](const std::vector<std::int16_t>& v) { return Json{{"length", v.size()}}; });
    }
};

Answer call(std::string_view method, std::string_view body, std::uint32_t encoding = CAISSON_JSON) {
    return caisson::test::call_once<Methods>(method, {.body = body, .encoding = encoding});
}

struct Accepted {
    std::string method;
    std::string body;
    std::string output;
};
void PrintTo(const Accepted& c, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << c.method << " " << c.body;
}
class Accepts : public testing::TestWithParam<Accepted> {};

TEST_P(Accepts, Json) {
    for (const auto encoding : {CAISSON_JSON, CAISSON_BYTES}) {  // a shell sends JSON as bytes
        const auto answer = call(GetParam().method, GetParam().body, encoding);
        EXPECT_EQ(answer.status, CAISSON_OK) << answer.error;
        EXPECT_EQ(answer.output, GetParam().output);
        EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_JSON));
    }
}

INSTANTIATE_TEST_SUITE_P(Values, Accepts,
                         testing::Values(Accepted{"i8", "-128", "-128"}, Accepted{"u8", " 255\n", "255"},
                                         Accepted{"i64", "7.0", "7"}, Accepted{"i64", "1e3", "1000"},
                                         Accepted{"i64", "-9223372036854775808", "-9223372036854775808"},
                                         Accepted{"u64", "18446744073709551615", "18446744073709551615"},
                                         Accepted{"f64", "2", "2.0"}, Accepted{"f32", "0.5", "0.5"},
                                         Accepted{"bool", "true", "true"}, Accepted{"text", R"("é\n")", R"("é\n")"},
                                         Accepted{"i16s", "[]", "[]"}, Accepted{"i16s", "[1,-2,3]", "[1,-2,3]"},
                                         Accepted{"rows", "[[1],[],[2,3]]", "[[1.0],[],[2.0,3.0]]"},
                                         Accepted{"bools", "[true,false]", "[true,false]"},
                                         Accepted{"point", R"({"x":1,"y":2})", R"({"x":2,"y":1})"},
                                         Accepted{"map", R"({"a":1.5})", R"({"a":1.5})"},
                                         Accepted{"any", R"([null,{"a":"[[{{"}])", R"([null,{"a":"[[{{"}])"},
                                         Accepted{"seven", "", "7"}, Accepted{"seven", "null", "7"},
                                         Accepted{"scale", "[2, 0.5]", "1.0"},
                                         Accepted{"repeat", R"(["ab",2])", R"("abab")"}));

struct Refused {
    std::string method;
    std::string body;
    std::string error;
};
void PrintTo(const Refused& c, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << c.method << " " << c.body.substr(0, 40);
}
class Refuses : public testing::TestWithParam<Refused> {};

TEST_P(Refuses, WithATextThatSaysWhatWasExpected) {
    const auto answer = call(GetParam().method, GetParam().body);
    EXPECT_EQ(answer.status, CAISSON_INVALID_ARGUMENT);
    EXPECT_THAT(answer.error, HasSubstr(GetParam().error));
    EXPECT_EQ(answer.output, "");
}

INSTANTIATE_TEST_SUITE_P(
    Values, Refuses,
    testing::Values(
        Refused{"i8", "128", "128 is out of range for int8 (-128 to 127)"},
        Refused{"i8", "-129", "-129 is out of range for int8"},
        Refused{"u8", "-1", "-1 is out of range for uint8 (0 to 255)"}, Refused{"i8", "1e30", "out of range for int8"},
        Refused{"i64", "9223372036854775808", "out of range for int64"}, Refused{"i64", "1e300", "out of range"},
        Refused{"u64", "18446744073709551616", "out of range for uint64"},
        Refused{"i64", "7.5", "expected int64, got 7.5"}, Refused{"i64", "\"7\"", "expected int64, got \"7\""},
        Refused{"i64", "true", "expected int64, got true"},
        Refused{"i64", "seven", "expected int64 as JSON, got 'seven'"},
        Refused{"i64", "", "expected int64, got nothing"}, Refused{"i64", " \n", "expected int64, got nothing"},
        Refused{"i64", "7 8", "expected int64 as JSON"}, Refused{"i64", "[7]", "expected int64, got an array of 1"},
        Refused{"f32", "1e300", "out of range for float32"}, Refused{"f64", "1e999", "expected float64 as JSON"},
        Refused{"f64", "null", "expected float64, got null"}, Refused{"bool", "1", "expected true or false, got 1"},
        Refused{"text", "7", "expected a string, got 7"}, Refused{"text", "\"\xFF\"", "expected a string as JSON"},
        Refused{"i16s", "7", "expected an array of int16, got 7"},
        Refused{"i16s", "[1,70000]", "element 2: 70000 is out of range for int16"},
        Refused{"rows", "[[1],[\"a\"]]", "element 2: element 1: expected float64, got \"a\""},
        Refused{"point", R"({"x":1})", "key 'y' not found"}, Refused{"point", "7", "got 7"},
        Refused{"none", "7", "expected no input, got '7'"},
        Refused{"scale", "2", "expected an array of 2 arguments, got 2"},
        Refused{"scale", "[1,2,3]", "expected 2 arguments, got 3"},
        Refused{"repeat", R"(["ab",300])", "argument 2: 300 is out of range for uint8"},
        Refused{"any", std::string(100'000, '['), "nested deeper than 512 levels"}));

TEST(Convert, TakesDepthUpToTheBound) {
    const auto nested = std::string(512, '[') + std::string(512, ']');
    EXPECT_EQ(call("any", nested).output, nested);
}

TEST(Convert, AnswersPackedInKind) {
    const auto seven = packed<std::int64_t>({-7});
    auto answer = call("i64", seven, CAISSON_PACKED);
    EXPECT_EQ(answer.output, seven);
    EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_PACKED));

    const auto array = packed<std::int16_t>({1, -2, 3});
    answer = call("i16s", array, CAISSON_PACKED);
    EXPECT_EQ(answer.output, array);
    EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_PACKED));

    answer = call("i16s", "", CAISSON_PACKED);
    EXPECT_EQ(answer.status, CAISSON_OK);
    EXPECT_EQ(answer.output, "");

    EXPECT_EQ(call("scale", packed<double>({2, 0.5}), CAISSON_PACKED).output, packed<double>({1}));
    EXPECT_EQ(call("seven", "", CAISSON_PACKED).output, packed<std::int64_t>({7}));
}

TEST(Convert, AnswersPackedWithJsonWhereTheResultIsNotScalar) {
    const auto answer = call("length", packed<std::int16_t>({1, 2}), CAISSON_PACKED);
    EXPECT_EQ(answer.output, R"({"length":2})");
    EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_JSON));
}

TEST(Convert, RefusesPackedThatIsNotTheDeclaredType) {
    EXPECT_THAT(call("i64", "12345", CAISSON_PACKED).error, HasSubstr("packed int64 of 8 bytes each, got 5 bytes"));
    EXPECT_THAT(call("i64", packed<std::int64_t>({1, 2}), CAISSON_PACKED).error,
                HasSubstr("expected 1 packed int64, got 2"));
    EXPECT_THAT(call("i64", "", CAISSON_PACKED).error, HasSubstr("expected 1 packed int64, got 0"));
    EXPECT_THAT(call("scale", packed<double>({1}), CAISSON_PACKED).error,
                HasSubstr("expected 2 packed float64, got 1"));
    EXPECT_THAT(call("text", "abc", CAISSON_PACKED).error, HasSubstr("expected a string as JSON, got a packed body"));
    EXPECT_THAT(call("repeat", "abc", CAISSON_PACKED).error, HasSubstr("2 arguments as JSON"));
    for (const auto* const method : {"i64", "scale", "text", "repeat"})
        EXPECT_EQ(call(method, "123", CAISSON_PACKED).status, CAISSON_INVALID_ARGUMENT);
}

TEST(Convert, PackedCarriesWhatJsonCannot) {
    const auto infinity = packed<double>({std::numeric_limits<double>::infinity()});
    EXPECT_EQ(call("f64", infinity, CAISSON_PACKED).output, infinity);
    const auto answer = call("scale", "[1e308,10]");
    EXPECT_EQ(answer.status, CAISSON_INTERNAL);
    EXPECT_EQ(answer.error, "the result is inf, which JSON cannot say");
}

TEST(Convert, RawBytesPassAsTheyAre) {
    const std::string bytes{"\0\xFF\n{", 4};
    for (const auto encoding : {CAISSON_BYTES, CAISSON_JSON, CAISSON_PACKED}) {
        for (const auto* const method : {"raw", "copy"}) {
            const auto answer = call(method, bytes, encoding);
            EXPECT_EQ(answer.output, bytes);
            EXPECT_EQ(answer.encoding, static_cast<std::uint32_t>(CAISSON_BYTES));
        }
    }
}

TEST(Convert, DeclaresTypes) {
    const auto& plugin = caisson::test::defined<Methods>();
    const auto types = [&](std::string_view name) {
        const caisson_method* const method = caisson::test::find_method(plugin, name);
        return std::string{method->input} + " -> " + method->output;
    };
    EXPECT_EQ(types("i8"), "int8 -> int8");
    EXPECT_EQ(types("u64"), "uint64 -> uint64");
    EXPECT_EQ(types("f32"), "float32 -> float32");
    EXPECT_EQ(types("i16s"), "int16[] -> int16[]");
    EXPECT_EQ(types("bool"), "json -> json");
    EXPECT_EQ(types("text"), "json -> json");
    EXPECT_EQ(types("rows"), "json -> json");
    EXPECT_EQ(types("raw"), "bytes -> bytes");
    EXPECT_EQ(types("copy"), "bytes -> bytes");
    EXPECT_EQ(types("none"), "none -> none");
    EXPECT_EQ(types("seven"), "none -> int64");
    EXPECT_EQ(types("scale"), "float64[] -> float64");
    EXPECT_EQ(types("repeat"), "json -> json");
}

}  // namespace
