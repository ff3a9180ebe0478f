// SPDX-License-Identifier: Apache-2.0
#include "base/units.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace caisson {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string duration_error(std::string_view text) {
    const auto parsed = parse_duration(text);
    return parsed ? "parsed" : parsed.error().text();
}

std::string size_error(std::string_view text) {
    const auto parsed = parse_size(text);
    return parsed ? "parsed" : parsed.error().text();
}

TEST(Units, ReadDurations) {
    EXPECT_EQ(*parse_duration("500ms"), 500ms);
    EXPECT_EQ(*parse_duration("2s"), 2s);
    EXPECT_EQ(*parse_duration("5min"), 5min);
    EXPECT_EQ(*parse_duration("1h"), 1h);
    EXPECT_EQ(*parse_duration("7d"), 168h);
    EXPECT_EQ(*parse_duration("0"), 0ms);
    EXPECT_EQ(*parse_duration("0s"), 0ms);
    EXPECT_EQ(*parse_duration("5 min"), 5min);
    EXPECT_EQ(*parse_duration("007s"), 7s);
}

TEST(Units, ReadSizes) {
    EXPECT_EQ(*parse_size("100B"), 100U);
    EXPECT_EQ(*parse_size("64KiB"), 65'536U);
    EXPECT_EQ(*parse_size("4MiB"), 4'194'304U);
    EXPECT_EQ(*parse_size("1GiB"), 1'073'741'824U);
    EXPECT_EQ(*parse_size("2TiB"), 2'199'023'255'552U);
    EXPECT_EQ(*parse_size("0"), 0U);
}

TEST(Units, SayHowToWriteAUnit) {
    EXPECT_EQ(duration_error("30"), R"("30" has no unit: write, for example, "30s")");
    EXPECT_EQ(size_error("64"), R"("64" has no unit: write, for example, "64KiB")");
    EXPECT_THAT(duration_error("5m"), HasSubstr(R"(did you mean "5min"?)"));
    EXPECT_THAT(duration_error("5 minutes"), HasSubstr(R"(did you mean "5min"?)"));
    EXPECT_THAT(size_error("4MB"), HasSubstr(R"(did you mean "4MiB"?)"));
    EXPECT_THAT(size_error("4k"), HasSubstr(R"(did you mean "4KiB"?)"));
    EXPECT_THAT(duration_error("5 weeks"), HasSubstr("the units are ms, s, min, h and d"));
    EXPECT_THAT(size_error("5PiB"), HasSubstr("the units are B, KiB, MiB, GiB and TiB"));
    EXPECT_THAT(duration_error("1h30min"), HasSubstr("more than one number"));
    EXPECT_THAT(duration_error("1.5s"), HasSubstr("not a whole number"));
}

TEST(Units, RefuseWhatIsNoQuantity) {
    for (const auto* text :
         {"", " ", "s", "-5s", "-0", "+5s", " 5s", "5s ", "5  s", "0x10s", "five", "\n5s", "5\x01", "1e3s"}) {
        EXPECT_FALSE(parse_duration(text)) << text;
        EXPECT_FALSE(parse_size(text)) << text;
    }
    EXPECT_THAT(duration_error("-5s"), HasSubstr("negative"));
    EXPECT_THAT(size_error("-1GiB"), HasSubstr("negative"));
    EXPECT_THAT(duration_error(""), HasSubstr(R"(such as "30s")"));
    // What is shown of a hostile text is short and safe on a terminal.
    EXPECT_EQ(duration_error("5\x1b[31m").find('\x1b'), std::string::npos);
    EXPECT_LT(duration_error(std::string(100'000, 'x')).size(), 300U);
}

TEST(Units, RefuseWhatDoesNotFit) {
    EXPECT_EQ(parse_duration("9223372036854775807ms")->count(), std::numeric_limits<std::int64_t>::max());
    EXPECT_THAT(duration_error("9223372036854775808ms"), HasSubstr("longer than any clock counts"));
    EXPECT_THAT(duration_error("9223372036854776s"), HasSubstr("longer than any clock counts"));
    EXPECT_THAT(duration_error("99999999999999999999999999h"), HasSubstr("longer than any clock counts"));
    EXPECT_THAT(duration_error("99999999999999999999999999"), HasSubstr("no unit"));
    EXPECT_EQ(*parse_size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
    EXPECT_THAT(size_error("18446744073709551616B"), HasSubstr("more than any machine has"));
    EXPECT_THAT(size_error("16777216TiB"), HasSubstr("more than any machine has"));
    EXPECT_TRUE(parse_size("16777215TiB"));
}

TEST(Units, WriteTheShortestText) {
    EXPECT_EQ(format_duration(0ms), "0");
    EXPECT_EQ(format_duration(1500ms), "1500ms");
    EXPECT_EQ(format_duration(90s), "90s");
    EXPECT_EQ(format_duration(60s), "1min");
    EXPECT_EQ(format_duration(24h), "1d");
    EXPECT_EQ(format_duration(-3ms), "-3ms");
    EXPECT_EQ(format_size(0), "0");
    EXPECT_EQ(format_size(1000), "1000B");
    EXPECT_EQ(format_size(65'536), "64KiB");
    EXPECT_EQ(format_size(4ULL << 30), "4GiB");
}

TEST(Units, ReadWhatTheyWrite) {
    for (std::uint64_t amount = 1; amount < (1ULL << 61); amount = amount * 3 + 1) {
        EXPECT_EQ(*parse_size(format_size(amount)), amount);
        const std::chrono::milliseconds duration{static_cast<std::int64_t>(amount)};
        EXPECT_EQ(*parse_duration(format_duration(duration)), duration);
    }
}

}  // namespace
}  // namespace caisson
