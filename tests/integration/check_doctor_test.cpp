// SPDX-License-Identifier: Apache-2.0
/// The commands that need no service: check tries files, doctor tells of the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Check : public testing::Test {
   protected:
    Check() { adopt_orphans(); }
    ~Check() override {
        const auto alone = eventually([] { return descendants(::getpid()).empty(); });
        EXPECT_TRUE(alone) << "left behind:\n" << describe(descendants(::getpid()));
    }
    Folder folder_;
};

TEST_F(Check, TheShippedConfigurationIsValid) {
    const auto ended =
        caisson({"check", (std::filesystem::path{CAISSON_SOURCES} / "config" / "caisson.toml").string()});
    // Its plugin folder is that of an installation, so only what it says of itself is judged here.
    EXPECT_THAT(ended.err, testing::Not(HasSubstr("caisson.toml:")));
}

TEST_F(Check, AGoodConfigurationListsItsPools) {
    write_file(folder_ / "good.toml", "[service]\nplugin_dir = \"" + plugin_folder().string() +
                                          "\"\ndiscover = false\n[pool.math]\nworkers = 3\n");
    const auto ended = caisson({"check", (folder_ / "good.toml").string()});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_THAT(ended.out,
                AllOf(HasSubstr("valid, 1 pool\n"), HasSubstr("math: 3 workers, "), HasSubstr("libmath.so")));
}

TEST_F(Check, EveryProblemOfAConfigurationIsListed) {
    write_file(folder_ / "bad.toml", "[pool.math]\nworkres = 3\ntimeout = 5\n");
    const auto ended = caisson({"check", (folder_ / "bad.toml").string(), "--json"});
    EXPECT_EQ(ended.code, 7);
    const auto file = Json::parse(ended.out).at("files").at(0);
    EXPECT_EQ(file.at("valid"), false);
    EXPECT_GE(file.at("problems").size(), 2U) << file;
}

TEST_F(Check, EveryPluginOfTheBuildIsGood) {
    for (const auto* const name : {"math", "hello", "text", "digest", "counter"}) {
        const auto ended = caisson({"check", (plugin_folder() / ("lib" + std::string{name} + ".so")).string()});
        EXPECT_EQ(ended.code, 0) << ended.err;
        EXPECT_THAT(ended.out,
                    AllOf(HasSubstr("plugin " + std::string{name} + " 1.0.0, ABI 1.0"), HasSubstr("method")));
    }
}

TEST_F(Check, WhatIsNoPluginIsDiagnosed) {
    struct Row {
        std::string file;
        std::string said;
    };
    for (const auto& [file, said] : std::vector<Row>{{"broken/empty.so", "the file is empty"},
                                                     {"broken/wrong_abi.so", "ABI 99.7"},
                                                     {"broken/fifo.so", "FIFO"},
                                                     {"broken/directory.so", "directory"},
                                                     {"broken/dangling.so", "does not exist"},
                                                     {"plugins/crash_at_load.so", "SIGILL"},
                                                     {"plugins/crash_at_exit.so", "did not stop well"},
                                                     {"plugins/nowhere.so", "there is no file"}}) {
        const auto ended = caisson({"check", (fixture_folder() / file).string()});
        EXPECT_EQ(ended.code, 7) << file;
        EXPECT_THAT(ended.err, HasSubstr(said)) << file;
    }
}

TEST_F(Check, OneBadFileAmongGoodOnesDecides) {
    const auto good = (plugin_folder() / "libmath.so").string();
    const auto bad = (fixture_folder() / "broken" / "empty.so").string();
    const auto ended = caisson({"check", good, bad, "--json"});
    EXPECT_EQ(ended.code, 7);
    const auto files = Json::parse(ended.out).at("files");
    EXPECT_EQ(files.at(0).at("valid"), true);
    EXPECT_EQ(files.at(1).at("valid"), false);
}

TEST_F(Check, DoctorTellsWhatTheHostCanEnforce) {
    const auto table = caisson({"doctor"});
    EXPECT_EQ(table.code, 0) << table.err;
    EXPECT_THAT(table.out, HasSubstr("CAPABILITY"));
    const auto ended = caisson({"doctor", "--json"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto capabilities = Json::parse(ended.out).at("capabilities");
    EXPECT_FALSE(capabilities.empty());
    for (const auto& entry : capabilities) {
        EXPECT_TRUE(entry.at("name").is_string() && entry.at("available").is_boolean() &&
                    entry.at("detail").is_string() && entry.at("purpose").is_string());
    }
}

}  // namespace
}  // namespace caisson::test
