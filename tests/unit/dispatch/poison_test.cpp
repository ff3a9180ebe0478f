// SPDX-License-Identifier: Apache-2.0
#include "dispatch/poison.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "wire/codec.hpp"

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint start{std::chrono::hours{1}};

PoisonInput input(std::string_view body, std::string_view pool = "chaos", std::string_view method = "segv") {
    return {pool, method, "{}", wire::bytes_of(body)};
}

TEST(Poison, AnInputIsRefusedFromTheLastCrashThatItMayHave) {
    PoisonTable table{1};
    const settings::Poison rules{.crashes = 3, .window = 10min};
    for (int i = 1; i <= 2; ++i) {
        EXPECT_FALSE(table.would_be(input("7"), start, rules));
        EXPECT_FALSE(table.note_crash(input("7"), start + i * 1s, rules, "R", "T").poison);
        EXPECT_EQ(table.refuses(input("7")), nullptr);
    }
    EXPECT_TRUE(table.would_be(input("7"), start + 3s, rules));
    EXPECT_TRUE(table.note_crash(input("7"), start + 3s, rules, "R3", "T3").poison);
    const auto* const entry = table.refuses(input("7"));
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->killed, 3U);
    EXPECT_EQ(entry->report, "R3");
}

TEST(Poison, OthersAreNotToBlame) {
    PoisonTable table{1};
    const settings::Poison rules{.crashes = 1, .window = 10min};
    (void)table.note_crash(input("7"), start, rules, "R", "T");
    EXPECT_NE(table.refuses(input("7")), nullptr);
    EXPECT_EQ(table.refuses(input("8")), nullptr);
    EXPECT_EQ(table.refuses(input("7", "other")), nullptr);
    EXPECT_EQ(table.refuses(input("7", "chaos", "abort")), nullptr);
    EXPECT_EQ(table.refuses({"chaos", "segv", "{\"a\":1}", wire::bytes_of("7")}), nullptr);
    // What stands on which side of a border counts too.
    EXPECT_EQ(table.refuses({"chaos", "segv", "{}7", {}}), nullptr);
}

TEST(Poison, CrashesOutsideTheWindowAreForgiven) {
    PoisonTable table{1};
    const settings::Poison rules{.crashes = 2, .window = 10s};
    EXPECT_FALSE(table.note_crash(input("7"), start, rules, "R", "T").poison);
    EXPECT_FALSE(table.would_be(input("7"), start + 11s, rules));
    EXPECT_FALSE(table.note_crash(input("7"), start + 11s, rules, "R", "T").poison);
    EXPECT_TRUE(table.note_crash(input("7"), start + 21s, rules, "R", "T").poison) << "10 s is within 10 s";
}

TEST(Poison, ZeroCrashesMeanNever) {
    PoisonTable table{1};
    const settings::Poison rules{.crashes = 0, .window = 10min};
    for (int i = 0; i < 10; ++i) EXPECT_FALSE(table.note_crash(input("7"), start, rules, "R", "T").poison);
    EXPECT_FALSE(table.would_be(input("7"), start, rules));
}

TEST(Poison, IsListedAndCleared) {
    PoisonTable table{1};
    const settings::Poison rules{.crashes = 1, .window = 10min};
    (void)table.note_crash(input("1"), start, rules, "R1", "2026-01-01");
    (void)table.note_crash(input("2"), start, rules, "R2", "2026-01-02");
    (void)table.note_crash(input("3", "other"), start, rules, "R3", "2026-01-03");
    (void)table.note_crash(input("4"), start, {.crashes = 2, .window = 10min}, "R4", "2026-01-04");
    const auto list = table.list();
    ASSERT_EQ(list.size(), 3U) << "what is only watched is not listed";
    EXPECT_EQ(list[0]["report"], "R3") << "the newest first";
    EXPECT_EQ(table.clear(list[1]["id"].get<std::string>().substr(0, 8), ""), 1U);
    EXPECT_EQ(table.refuses(input("2")), nullptr);
    EXPECT_EQ(table.clear("", "other"), 1U);
    EXPECT_EQ(table.clear("no such id", ""), 0U);
    EXPECT_EQ(table.clear("", ""), 1U);
    EXPECT_EQ(table.size(), 1U) << "what is watched goes on being watched";
}

TEST(Poison, TheTableIsBoundedAndWhatIsOnlyWatchedGoesFirst) {
    PoisonTable table{1};
    (void)table.note_crash(input("bad"), start, {.crashes = 1, .window = 10min}, "R", "T");
    const settings::Poison rules{.crashes = 2, .window = 10min};
    for (std::size_t i = 0; i < limits::poison_entries * 2; ++i)
        (void)table.note_crash(input(std::to_string(i)), start + std::chrono::seconds{i + 1}, rules, "R", "T");
    EXPECT_EQ(table.size(), limits::poison_entries);
    EXPECT_NE(table.refuses(input("bad")), nullptr);
}

TEST(Poison, GoesOnInAnotherProcess) {
    PoisonTable table{17};
    const settings::Poison rules{.crashes = 2, .window = 10min};
    for (int i = 0; i < 2; ++i) (void)table.note_crash(input("bad"), start + i * 1s, rules, "R1", "2026-01-01");
    (void)table.note_crash(input("watched"), start, rules, "R2", "2026-01-02");

    PoisonTable other{4};
    (void)other.note_crash(input("of its own"), start, {.crashes = 1, .window = 10min}, "R", "T");
    other.load(nlohmann::json::parse(table.save().dump()));
    EXPECT_EQ(other.size(), 2U);
    EXPECT_EQ(other.list(), table.list());
    ASSERT_NE(other.refuses(input("bad")), nullptr);
    EXPECT_EQ(other.refuses(input("good")), nullptr);
    EXPECT_TRUE(other.would_be(input("watched"), start + 1min, rules)) << "its crashes count";
    EXPECT_FALSE(other.would_be(input("watched"), start + 20min, rules)) << "and are forgotten in time";
    EXPECT_EQ(other.clear("", ""), 1U);
}

TEST(Poison, ADocumentThatIsNoneChangesNothing) {
    PoisonTable table{1};
    (void)table.note_crash(input("bad"), start, {.crashes = 1, .window = 10min}, "R", "T");
    for (const auto* const text : {"null", "[]", "{}", R"({"secret": 1})", R"({"secret": "x", "entries": []})",
                                   R"({"secret": 1, "entries": [{"name": [1]}]})", R"({"secret": 1, "entries": 7})"})
        table.load(nlohmann::json::parse(text));
    EXPECT_NE(table.refuses(input("bad")), nullptr);
}

}  // namespace
}  // namespace caisson::dispatch
