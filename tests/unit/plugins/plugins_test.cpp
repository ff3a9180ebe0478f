// SPDX-License-Identifier: Apache-2.0
/// The plugins of this tree do what their help says, called as a worker calls them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>
#include <string>
#include <string_view>

#include "abi/fake_host.hpp"

namespace {

using caisson::test::Answer;
using caisson::test::Input;
using caisson::test::Instance;
using nlohmann::json;
using testing::HasSubstr;

/// One instance of a plugin of the build tree.
class Plugin {
   public:
    explicit Plugin(const std::string& name)
        : instance_(caisson::test::load(std::string{PLUGIN_DIR} + "/lib" + name + ".so")) {}
    Answer operator()(std::string_view method, const Input& input = {}) { return instance_.call(method, input); }
    Answer operator()(std::string_view method, std::string_view body) { return instance_.call(method, {.body = body}); }

   private:
    Instance instance_;
};

/// What a command prints.
std::string printed_by(const std::string& command) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{popen(command.c_str(), "r"), &pclose};
    std::string output;
    std::array<char, 256> piece{};
    while (pipe && std::fgets(piece.data(), static_cast<int>(piece.size()), pipe.get()) != nullptr)
        output += piece.data();
    return output;
}

std::string random_bytes(std::size_t size, unsigned seed) {
    std::mt19937 random{seed};
    std::uniform_int_distribution<int> byte{0, 255};
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(byte(random));
    return bytes;
}

TEST(Math, Square) {
    Plugin math{"math"};
    EXPECT_EQ(math("square", "7").output, "49");
    EXPECT_EQ(math("square", "-3037000499").output, "9223372030926249001");
    const auto answer = math("square", "3037000500");
    EXPECT_EQ(answer.status, CAISSON_INVALID_ARGUMENT);
    EXPECT_EQ(answer.error, "the result does not fit into int64");
}

TEST(Math, Pow) {
    Plugin math{"math"};
    EXPECT_EQ(math("pow", "[2,10]").output, "1024");
    EXPECT_EQ(math("pow", "[-2,63]").output, "-9223372036854775808");
    EXPECT_EQ(math("pow", "[0,0]").output, "1");
    EXPECT_EQ(math("pow", "[1,9223372036854775807]").output, "1");
    EXPECT_EQ(math("pow", "[2,-1]").output, "0.5");
    EXPECT_EQ(math("pow", "[2.25,0.5]").output, "1.5");
    for (const auto* const body : {"[2,63]", "[0,-1]", "[-1,0.5]", "[1e300,2]", "[\"2\",2]", "[2]", "2"})
        EXPECT_EQ(math("pow", body).status, CAISSON_INVALID_ARGUMENT) << body;
}

TEST(Math, Sum) {
    Plugin math{"math"};
    EXPECT_EQ(math("sum", "[]").output, "0");
    EXPECT_EQ(math("sum", "[1,2,3]").output, "6");
    EXPECT_EQ(math("sum", "[9007199254740993,0]").output, "9007199254740993");
    EXPECT_EQ(math("sum", "[1,0.5]").output, "1.5");
    for (const auto* const body : {"[9223372036854775807,1]", "[1,\"2\"]", "7", "[1e308,1e308]"})
        EXPECT_EQ(math("sum", body).status, CAISSON_INVALID_ARGUMENT) << body;
}

TEST(Math, Primes) {
    Plugin math{"math"};
    EXPECT_EQ(math("primes", "0").output, "0");
    EXPECT_EQ(math("primes", "2").output, "0");
    EXPECT_EQ(math("primes", "3").output, "1");
    EXPECT_EQ(math("primes", "100").output, "25");
    EXPECT_EQ(math("primes", "262147").output, "23000");  // the bounds of the first segment: 262147 is a prime itself
    EXPECT_EQ(math("primes", "262148").output, "23001");
    EXPECT_EQ(math("primes", "10000000").output, "664579");
    EXPECT_EQ(math("primes", {.body = "10000000", .cancelled = true}).status, CAISSON_CANCELLED);
    EXPECT_EQ(math("primes", "1e12").status, CAISSON_INVALID_ARGUMENT);
    EXPECT_EQ(math("primes", "-1").status, CAISSON_INVALID_ARGUMENT);
}

TEST(Hello, PrintsAndReturns) {
    Plugin hello{"hello"};
    testing::internal::CaptureStdout();
    const auto answer = hello("number", "3");
    const auto pid = std::to_string(getpid());
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "number 3 from pid " + pid + "\n");
    EXPECT_EQ(json::parse(answer.output), (json{{"number", 3}, {"pid", getpid()}}));
}

/// What `LC_ALL=C wc` says of these bytes.
json counted_by_wc(const std::string& bytes) {
    const auto path = std::filesystem::temp_directory_path() / ("caisson-wordcount-" + std::to_string(getpid()));
    std::ofstream{path, std::ios::binary} << bytes;
    std::istringstream counts{printed_by("LC_ALL=C wc <" + path.string())};
    std::filesystem::remove(path);
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    std::uint64_t size = 0;
    counts >> lines >> words >> size;
    return {{"lines", lines}, {"words", words}, {"bytes", size}};
}

TEST(Text, WordcountIsEqualToWc) {
    Plugin text{"text"};
    for (const std::string& body :
         {std::string{}, std::string{"one two\nthree"}, std::string{"\n\n  \t\v\f\r x \n"}, std::string{"a\0b c", 5},
          std::string{"na\xC3\xAFve \xE2\x80\x94 dash"}, random_bytes(100'000, 1), random_bytes(100'000, 2)})
        EXPECT_EQ(json::parse(text("wordcount", body).output), counted_by_wc(body));
}

TEST(Text, GrepReturnsMatchingLines) {
    Plugin text{"text"};
    const auto grep = [&](std::string_view body, std::string_view params) {
        return text("grep", {.body = body, .params = params});
    };
    EXPECT_EQ(grep("apple\nbanana\ncherry", R"({"pattern":"an|rr"})").output, "banana\ncherry\n");
    EXPECT_EQ(grep("apple\n\nb\n", R"({"pattern":"^$"})").output, "\n");
    EXPECT_EQ(grep("apple\n", R"({"pattern":"x"})").output, "");
    EXPECT_EQ(grep("", R"({"pattern":"^$"})").output, "");
    EXPECT_EQ(grep("apple", R"({"pattern":"a"})").encoding, static_cast<std::uint32_t>(CAISSON_BYTES));

    std::string many;
    for (int i = 0; i < 20'000; ++i) many += "line " + std::to_string(i) + "\n";
    const auto answer = grep(many, R"({"pattern":"^line \\d+$"})");
    EXPECT_EQ(answer.output, many);
    EXPECT_GT(answer.writes, 1u);
}

TEST(Text, GrepRefusesABadPattern) {
    Plugin text{"text"};
    auto answer = text("grep", {.body = "a", .params = R"({"pattern":"(a"})"});
    EXPECT_EQ(answer.status, CAISSON_INVALID_ARGUMENT);
    EXPECT_THAT(answer.error, HasSubstr("params.pattern: missing )"));
    answer = text("grep", "a");
    EXPECT_EQ(answer.status, CAISSON_INVALID_ARGUMENT);
    EXPECT_EQ(answer.error, "params.pattern: expected a string");
}

TEST(Digest, Sha256) {
    Plugin digest{"digest"};
    EXPECT_EQ(digest("sha256").output, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest("sha256", "abc").output, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const std::string million(1'000'000, 'a');
    EXPECT_EQ(digest("sha256", million + million).output.size(), 64u);
    EXPECT_EQ(digest("sha256", million).output, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    EXPECT_EQ(digest("sha256", {.body = "abc", .cancelled = true}).status, CAISSON_CANCELLED);
}

TEST(Counter, CountsInItsInstance) {
    Plugin one{"counter"};
    Plugin other{"counter"};
    const auto count = [](const Answer& answer) { return json::parse(answer.output).at("count").get<int>(); };
    EXPECT_EQ(count(one("next")), 1);
    EXPECT_EQ(count(one("next")), 2);
    EXPECT_EQ(count(one("value")), 2);
    EXPECT_EQ(count(other("value")), 0);
    EXPECT_EQ(json::parse(one("value").output).at("pid"), getpid());
}

}  // namespace
