// SPDX-License-Identifier: Apache-2.0
#include "settings/resolve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

namespace caisson::settings {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A plugin folder /p with libmath.so, text.so and a directory; and /x/libmath.so.
const std::vector<Entry> entries = {{"libdir.so", EntryKind::directory}, {"libmath.so"}, {"text.so"}};

std::optional<EntryKind> look(const std::filesystem::path& path) {
    static const std::map<std::filesystem::path, EntryKind> there = {{"/p/libdir.so", EntryKind::directory},
                                                                     {"/p/libmath.so", EntryKind::file},
                                                                     {"/p/text.so", EntryKind::file},
                                                                     {"/x/libmath.so", EntryKind::file}};
    const auto found = there.find(path);
    return found == there.end() ? std::nullopt : std::optional{found->second};
}

Settings with(std::vector<Pool> pools, bool discover = false) {
    Settings settings;
    settings.service.plugin_dir = "/p";
    settings.service.discover = discover;
    settings.pools = std::move(pools);
    return settings;
}

std::vector<std::string> summary(const Settings& settings) {
    std::vector<std::string> pools;
    for (const Pool& pool : settings.pools) pools.push_back(pool.name + "=" + pool.plugin.native());
    return pools;
}

TEST(Resolve, FindsNamesAndKeepsPaths) {
    const auto resolved = resolve(with({{.name = "a", .plugin = "math"},
                                        {.name = "b", .plugin = "text"},
                                        {.name = "c", .plugin = "/x/libmath.so"},
                                        {.name = "d", .plugin = "libmath.so"}}),
                                  entries, look);
    EXPECT_THAT(summary(resolved.settings),
                ElementsAre("a=/p/libmath.so", "b=/p/text.so", "c=/x/libmath.so", "d=/p/libmath.so"));
    EXPECT_THAT(resolved.problems, IsEmpty());
}

TEST(Resolve, KeepsAPoolWithoutALibraryAndSaysSo) {
    const auto resolved =
        resolve(with({{.name = "a", .plugin = "maht"}, {.name = "b", .plugin = "/x/none.so"}}), entries, look);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("a=/p/libmaht.so", "b=/x/none.so"));
    ASSERT_EQ(resolved.problems.size(), 2U);
    EXPECT_EQ(resolved.problems[0].text(),
              R"(pool a: there is no libmaht.so or maht.so in "/p" (did you mean plugin = "math"?))");
    EXPECT_EQ(resolved.problems[0].scope, Scope::pool);
    EXPECT_EQ(resolved.problems[0].pool, "a");
    EXPECT_THAT(resolved.problems[1].text(), HasSubstr(R"(pool b: there is no library "/x/none.so")"));
}

TEST(Resolve, ReportsALibraryThatIsADirectory) {
    const auto resolved = resolve(with({{.name = "a", .plugin = "dir"}}), entries, look);
    ASSERT_EQ(resolved.problems.size(), 1U);
    EXPECT_EQ(resolved.problems[0].what, R"(pool a: "/p/libdir.so" is a directory, not a library)");
}

TEST(Resolve, AsksNoLibraryOfAPoolThatIsOff) {
    EXPECT_THAT(resolve(with({{.name = "a", .plugin = "none", .enabled = false}}), entries, look).problems, IsEmpty());
}

TEST(Resolve, GivesTheRestPoolsOfTheirOwn) {
    Settings settings = with({}, true);
    settings.defaults.workers = 3;
    const auto resolved = resolve(settings, entries, look);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("math=/p/libmath.so", "text=/p/text.so"));
    EXPECT_EQ(resolved.settings.pools[0].workers, 3U);
    ASSERT_EQ(resolved.problems.size(), 1U);
    EXPECT_THAT(resolved.problems[0].text(), HasSubstr("/p/libdir.so: is a directory"));
}

TEST(Resolve, LeavesAloneWhatASectionClaims) {
    // Under another name; switched off; in a section that could not be read.
    auto resolved = resolve(with({{.name = "squares", .plugin = "math"}}, true), entries, look);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("squares=/p/libmath.so", "text=/p/text.so"));

    resolved = resolve(with({{.name = "math", .plugin = "math", .enabled = false}}, true), entries, look);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("math=/p/libmath.so", "text=/p/text.so"));
    EXPECT_FALSE(resolved.settings.pools[0].enabled);

    Settings broken = with({}, true);
    broken.rejected = {{"text", "text"}, {"squares", "math"}};
    EXPECT_THAT(summary(resolve(broken, entries, look).settings), IsEmpty());
}

TEST(Resolve, SaysWhenANameIsTaken) {
    const auto resolved = resolve(with({{.name = "math", .plugin = "/x/libmath.so"}}, true), entries, look);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("math=/x/libmath.so", "text=/p/text.so"));
    EXPECT_THAT(text_of(resolved.problems),
                HasSubstr("/p/libmath.so: gets no pool: [pool.math] runs \"/x/libmath.so\""));
}

TEST(Resolve, HasNoTroubleWithABadNameThatASectionClaims) {
    const std::vector<Entry> odd = {{"libMath.so"}};
    const Look there = [](const std::filesystem::path&) { return EntryKind::file; };
    const auto resolved = resolve(with({{.name = "math", .plugin = "libMath.so"}}, true), odd, there);
    EXPECT_THAT(summary(resolved.settings), ElementsAre("math=/p/libMath.so"));
    EXPECT_THAT(resolved.problems, IsEmpty());
}

TEST(Resolve, IsBounded) {
    std::vector<Pool> pools;
    for (int number = 0; number < 255; ++number)
        pools.push_back({.name = "p" + std::to_string(number), .plugin = "/x/libmath.so"});
    const auto resolved = resolve(with(std::move(pools), true), entries, look);
    EXPECT_EQ(resolved.settings.pools.size(), 256U);
    EXPECT_THAT(text_of(resolved.problems), HasSubstr("/p/text.so: gets no pool: there are 256 already"));
}

}  // namespace
}  // namespace caisson::settings
