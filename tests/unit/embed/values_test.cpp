// SPDX-License-Identifier: Apache-2.0
#include "embed/pool/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "embed/pool/arguments.hpp"

namespace caisson::detail {
namespace {

using ::testing::HasSubstr;

MethodInfo method(std::string input, std::string output = "json") {
    return {.name = "method", .help = "", .input = std::move(input), .output = std::move(output)};
}

struct Body {
    BodyEncoding encoding;
    std::string bytes;
    bool operator==(const Body&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Body& body) {
    return out << static_cast<int>(body.encoding) << ": " << ::testing::PrintToString(body.bytes);
}

template <class In>
Body encode(const std::string& input, const In& value) {
    const auto info = method(input);
    Encoder<std::decay_t<const In&>> encoder{info};
    const auto body = encoder(value);
    return {body.encoding, std::string{reinterpret_cast<const char*>(body.bytes.data()), body.bytes.size()}};
}

template <class T>
std::expected<T, std::string> decode(const std::string& output, BodyEncoding encoding, std::string_view bytes) {
    return Decoder<T>{method("json", output)}(encoding, bytes);
}

template <class T>
std::string memory_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

TEST(Encoder, PacksWhatIsOfTheDeclaredType) {
    EXPECT_EQ(encode("int64", std::int64_t{7}), (Body{BodyEncoding::packed, memory_of(std::int64_t{7})}));
    EXPECT_EQ(encode("float32", 0.5F), (Body{BodyEncoding::packed, memory_of(0.5F)}));
    EXPECT_EQ(encode("int16[]", std::vector<std::int16_t>{1, 2}).encoding, BodyEncoding::packed);
}

TEST(Encoder, PacksOtherWholeNumbersThatFit) {
    EXPECT_EQ(encode("int64", 7), (Body{BodyEncoding::packed, memory_of(std::int64_t{7})}));
    EXPECT_EQ(encode("uint8", 200L), (Body{BodyEncoding::packed, std::string(1, '\xC8')}));
    EXPECT_EQ(encode("uint8", -1), (Body{BodyEncoding::json, "-1"}));
    EXPECT_EQ(encode("float64", 7), (Body{BodyEncoding::json, "7"}));
}

TEST(Encoder, WritesTheRestAsJson) {
    EXPECT_EQ(encode("json", 7), (Body{BodyEncoding::json, "7"}));
    EXPECT_EQ(encode("int64", "seven"), (Body{BodyEncoding::json, "\"seven\""}));
    EXPECT_EQ(encode("json", std::string{"text"}), (Body{BodyEncoding::json, "\"text\""}));
    EXPECT_EQ(encode("json", true), (Body{BodyEncoding::json, "true"}));
    EXPECT_EQ(encode("json", Json{{"a", 1}}), (Body{BodyEncoding::json, R"({"a":1})"}));
    EXPECT_EQ(encode("int64[]", std::vector<int>{1, 2}), (Body{BodyEncoding::json, "[1,2]"}));
}

TEST(Encoder, LeavesBytesAsTheyAre) {
    EXPECT_EQ(encode("bytes", "text"), (Body{BodyEncoding::bytes, "text"}));
    EXPECT_EQ(encode("json", plugin::Raw{"{}"}), (Body{BodyEncoding::bytes, "{}"}));
    EXPECT_EQ(encode("bytes", std::vector<std::byte>{std::byte{65}}), (Body{BodyEncoding::bytes, "A"}));
    EXPECT_EQ(encode("bytes", std::array<std::byte, 2>{}).bytes.size(), 2U);
    EXPECT_EQ(encode("none", no_input), (Body{BodyEncoding::bytes, ""}));
}

TEST(Encoder, RefusesWhatCannotBe) {
    EXPECT_THROW(encode("none", 7), PoolError);
    EXPECT_THROW(encode("float32", std::nan("")), PoolError);
    EXPECT_THROW(encode("json", std::vector<double>{1.0, HUGE_VAL}), PoolError);
    EXPECT_THROW(encode("json", std::string{"\xFF"}), PoolError);
}

TEST(Decoder, ReadsWhatThePluginChose) {
    EXPECT_EQ(decode<std::int64_t>("int64", BodyEncoding::packed, memory_of(std::int64_t{7})), 7);
    EXPECT_EQ(decode<std::int64_t>("int64", BodyEncoding::json, "7"), 7);
    EXPECT_EQ(decode<std::int64_t>("bytes", BodyEncoding::bytes, "7"), 7);
    EXPECT_EQ(decode<std::string>("bytes", BodyEncoding::bytes, "as it is"), "as it is");
    EXPECT_EQ(decode<std::string>("json", BodyEncoding::json, "\"text\""), "text");
    EXPECT_EQ(decode<Json>("json", BodyEncoding::json, "[1]"), Json({1}));
    EXPECT_EQ(decode<std::vector<std::byte>>("json", BodyEncoding::json, "A"), std::vector{std::byte{65}});
    EXPECT_EQ((decode<std::vector<std::int16_t>>("int16[]", BodyEncoding::packed, std::string{"\1\0\2\0", 4})),
              (std::vector<std::int16_t>{1, 2}));
    EXPECT_TRUE(decode<void>("json", BodyEncoding::json, "anything"));
}

TEST(Decoder, TurnsOneNumberIntoAnotherIfItFits) {
    const auto packed = memory_of(std::int64_t{200});
    EXPECT_EQ(decode<int>("int64", BodyEncoding::packed, packed), 200);
    EXPECT_EQ(decode<double>("int64", BodyEncoding::packed, packed), 200.0);
    EXPECT_EQ(decode<Json>("int64", BodyEncoding::packed, packed), Json(200));
    EXPECT_THAT(decode<std::int8_t>("int64", BodyEncoding::packed, packed).error(), HasSubstr("out of range for int8"));
    EXPECT_THAT(decode<int>("float64", BodyEncoding::packed, memory_of(0.5)).error(), HasSubstr("expected int32"));
}

TEST(Decoder, SaysWhatIsWrong) {
    EXPECT_THAT(decode<int>("json", BodyEncoding::json, "\"x\"").error(), HasSubstr("expected int32, got \"x\""));
    EXPECT_THAT(decode<int>("json", BodyEncoding::json, "{").error(), HasSubstr("as JSON"));
    EXPECT_THAT(decode<int>("int64", BodyEncoding::packed, "abc").error(), HasSubstr("3 bytes"));
    EXPECT_THAT(decode<Json>("json", BodyEncoding::packed, "abcd").error(), HasSubstr("does not say of which type"));
}

TEST(Arguments, OfOneScalarTypeAreAListAndElseJson) {
    EXPECT_EQ(arguments_of(std::tuple{1, 2}), (std::vector<int>{1, 2}));
    EXPECT_EQ(arguments_of(std::pair{1, "a"}), Json::parse(R"([1,"a"])"));
    EXPECT_EQ(arguments_of(std::array{1.5, 2.5}), (std::vector<double>{1.5, 2.5}));
    EXPECT_EQ(arguments_of(std::tuple{Json(7)}), Json::parse("[7]"));
    EXPECT_EQ(arguments_of(std::vector<int>{3}), std::vector<int>{3});
    EXPECT_THROW((void)arguments_of(std::tuple{1, std::nan("")}), PoolError);
}

}  // namespace
}  // namespace caisson::detail
