// SPDX-License-Identifier: Apache-2.0
// The files that are shipped, and the page that explains them, say what the program does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "settings/load.hpp"
#include "settings/schema.hpp"

namespace caisson::settings {
namespace {

const std::filesystem::path root = CAISSON_SOURCE_DIR;

std::string contents(const std::filesystem::path& file) {
    std::ifstream in{file};
    EXPECT_TRUE(in) << file;
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::string default_file() { return contents(root / "config" / "caisson.toml"); }

/// The keys of a file as "service.socket", those in comments ("#socket = …") too.
std::set<std::string> keys_in(const std::string& text) {
    static const std::regex header{R"(^\[([a-z_.]+)\]$)"};
    static const std::regex key{R"(^#?([a-z_]+) = .*$)"};
    std::set<std::string> keys;
    std::string section;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_match(line, match, header)) {
            section = match[1];
            keys.insert(section);
        } else if (std::regex_match(line, match, key)) {
            keys.insert(section + "." + match[1].str());
        }
    }
    return keys;
}

TEST(DefaultFile, IsTheDefaultsAndAPoolOfFour) {
    const Loaded loaded = load_file(root / "config" / "caisson.toml");
    ASSERT_TRUE(loaded.clean()) << text_of(loaded.problems);

    Settings expected;
    expected.file = loaded.settings.file;
    Pool math = expected.discovered("math", "math");
    math.workers = 4;
    expected.pools = {math};
    EXPECT_EQ(loaded.settings, expected);
}

TEST(DefaultFile, HasEveryKey) {
    const auto there = keys_in(default_file());
    for (const std::string& key : known_keys()) {
        if (key.starts_with("pool.")) continue;
        if (key.starts_with("defaults.workers.")) continue;  // another kind of the same key; shown in its comment
        EXPECT_TRUE(there.contains(key)) << key << " is missing in config/caisson.toml";
    }
}

TEST(DefaultFile, HasCommentsThatWouldBeRight) {
    const std::string text = std::regex_replace(default_file(), std::regex{"(^|\n)#([a-z_]+ = |\\[)"}, "$1$2");
    const Loaded loaded = load_text(text, "caisson.toml", "/etc/caisson");
    EXPECT_TRUE(loaded.clean()) << text_of(loaded.problems);
    EXPECT_FALSE(loaded.settings.service.socket.empty());
}

TEST(DefaultFile, HasOneNumberOfWorkersToEdit) {
    const std::string text = default_file();
    const auto at = text.find("workers = 4");
    ASSERT_NE(at, std::string::npos);
    EXPECT_EQ(text.find("workers = 4", at + 1), std::string::npos);
}

TEST(Examples, AreGoodAndListed) {
    const std::string list = contents(root / "config" / "examples" / "README.md");
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator{root / "config" / "examples"}) {
        if (entry.path().extension() != ".toml") continue;
        ++count;
        const Loaded loaded = load_file(entry.path());
        EXPECT_TRUE(loaded.clean()) << text_of(loaded.problems);
        EXPECT_FALSE(loaded.settings.pools.empty()) << entry.path();
        EXPECT_NE(list.find('`' + entry.path().filename().native() + '`'), std::string::npos) << entry.path();
    }
    EXPECT_GE(count, 5);
}

/// docs/configuration.md has a row for each key, and for nothing else: `| `key` | …` below `## [section]`.
TEST(Documentation, HasEveryKey) {
    static const std::regex header{R"(^## `\[([a-zA-Z_.]+)\]`.*$)"};
    static const std::regex row{R"(^\| `([a-zA-Z_.]+)` \|.*$)"};
    std::set<std::string> documented;
    std::string section;
    std::istringstream lines{contents(root / "docs" / "configuration.md")};
    for (std::string line; std::getline(lines, line);) {
        std::smatch match;
        if (std::regex_match(line, match, header)) section = match[1];
        if (std::regex_match(line, match, row) && !section.empty()) documented.insert(section + "." + match[1].str());
    }
    std::set<std::string> expected = known_keys();
    // What [defaults] has, [pool.NAME] has; the page says it once. A table is said by its keys.
    std::erase_if(expected, [](const std::string& key) { return key.starts_with("defaults."); });
    for (const auto* table : {"queue", "retry_backoff", "poison", "methods", "methods.METHOD", "restart",
                              "restart.backoff", "canary", "stop", "limits", "isolation"})
        expected.erase(std::string{"pool.NAME."} + table);
    EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace caisson::settings
