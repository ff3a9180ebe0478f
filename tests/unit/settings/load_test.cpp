// SPDX-License-Identifier: Apache-2.0
// What a good file gives, and what becomes of one that cannot be read at all.
#include "settings/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Loaded load(const std::string& text) { return load_text(text, "caisson.toml", "/etc/caisson"); }

/// The settings of a file that must be good.
Settings read(const std::string& text) {
    const Loaded loaded = load(text);
    EXPECT_TRUE(loaded.clean()) << text_of(loaded.problems);
    EXPECT_TRUE(loaded.usable());
    return loaded.settings;
}

/// The only problem of a file, as text.
std::string complaint(const std::string& text) {
    const Loaded loaded = load(text);
    EXPECT_EQ(loaded.problems.size(), 1U) << text_of(loaded.problems);
    EXPECT_FALSE(loaded.clean());
    return loaded.problems.empty() ? "" : loaded.problems.front().text();
}

TEST(Load, TakesAnEmptyFileForTheDefaults) {
    EXPECT_EQ(read(""), Settings{});
    EXPECT_EQ(read("# nothing\r\n\r\n"), Settings{});
    EXPECT_EQ(read("\xEF\xBB\xBF[service]\n"), Settings{});
}

TEST(Load, ReadsTheService) {
    const Settings settings = read(R"(
[service]
socket = "run/c.sock"
plugin_dir = "../plugins/"
discover = false
state_dir = "/state"
crash_reports = 5
max_sessions = 10
max_sessions_per_user = 2
handshake_timeout = "1s"
idle_timeout = "10min"
[access]
mode = "0660"
group = "staff"
call = ["alice", "@staff", "*"]
operate = ["bob"]
admin = []
[log]
level = "debug"
format = "json"
file = "log/c.log"
plugin_lines = 0
plugin_line_bytes = "1KiB"
)");
    EXPECT_EQ(settings.service, (Service{.socket = "/etc/caisson/run/c.sock",
                                         .plugin_dir = "/etc/plugins",
                                         .discover = false,
                                         .state_dir = "/state",
                                         .crash_reports = 5,
                                         .max_sessions = 10,
                                         .max_sessions_per_user = 2,
                                         .handshake_timeout = 1s,
                                         .idle_timeout = 10min}));
    EXPECT_EQ(
        settings.access,
        (Access{.mode = "0660", .group = "staff", .call = {"alice", "@staff", "*"}, .operate = {"bob"}, .admin = {}}));
    EXPECT_EQ(settings.log, (Log{.level = "debug",
                                 .format = LogFormat::json,
                                 .file = "/etc/caisson/log/c.log",
                                 .plugin_lines = 0,
                                 .plugin_line_bytes = KiB}));
}

TEST(Load, ReadsInlineAndDottedTables) {
    const Settings settings = read("[defaults]\nrestart.backoff.min = '1ms'\nqueue = { calls = 5, bytes = '1MiB' }\n");
    EXPECT_EQ(settings.defaults.restart.backoff.min, 1ms);
    EXPECT_EQ(settings.defaults.queue, (Queue{.calls = 5, .bytes = MiB}));
}

TEST(Load, TakesAPlainZeroWhereAUnitSaysNothing) {
    const Settings settings = read("[defaults]\ntimeout = 0\nlimits = { memory = 0, core = '0' }\n");
    EXPECT_EQ(settings.defaults.timeout, 0ms);
    EXPECT_EQ(settings.defaults.limits.memory, 0U);
}

TEST(Load, SaysWhereTheSyntaxIsWrong) {
    EXPECT_THAT(complaint("[service]\nsocket = \n"), StartsWith("caisson.toml:2:10: syntax error: "));
    EXPECT_THAT(complaint("[service\n"), StartsWith("caisson.toml:1:9: syntax error: "));
    EXPECT_THAT(complaint("workers 4"), StartsWith("caisson.toml:1:9: syntax error: "));
    EXPECT_THAT(complaint("a = \"\xff\xfe\"\n"), HasSubstr("utf-8"));
    EXPECT_THAT(complaint("a = 99999999999999999999\n"), HasSubstr("not representable in 64 bits"));
    EXPECT_FALSE(load("[").usable());
}

TEST(Load, KnowsTwoPoolsOfOneName) {
    EXPECT_EQ(
        complaint("# first\n[pool.math]\nworkers = 4\n\n[pool.math]\nworkers = 8\n"),
        "caisson.toml:5:1: two pools of one name, [pool.math]; the first is on line 2 (rename one, or join the two "
        "sections)");
    EXPECT_THAT(complaint("[pool.\"math\"]\n[pool.math]\n"),
                StartsWith("caisson.toml:2:1: two pools of one name, [pool.math]"));
    EXPECT_THAT(complaint("[log]\n[service]\n[log]\n"),
                StartsWith("caisson.toml:3:1: two sections [log]; the first is on line 1"));
}

TEST(Load, KnowsAKeyThatIsSetTwice) {
    EXPECT_EQ(complaint("[pool.a]\nworkers = 1\nworkers = 2\n"),
              "caisson.toml:3:11: key \"workers\" is set twice (remove one of the two)");
}

TEST(Load, SurvivesAnything) {
    for (const auto* text :
         {"[",     "[\n",   "[.x]", "[x.]",       "[[",     "[[\n",        "[[.x]]",         "[]",
          ".",     ".=1",   "=",    "a=",         "a={",    "a={.}",       "a.\n",           "a = 1 é",
          "é = 1", "a = é", "[é]",  "a\u00a0= 1", "\u3000", "a = 1\u0499", "a = [1, \u2028]"})
        EXPECT_THAT(complaint(text), HasSubstr("syntax error: ")) << text;
    EXPECT_FALSE(load(std::string(1000, '[')).clean());
    EXPECT_FALSE(load("a = " + std::string(5000, '[')).clean());
    EXPECT_FALSE(load(std::string(1000, '\0')).clean());
    EXPECT_FALSE(load(std::string(1000, '\xff')).clean());
    // A key of many parts nests as deeply, and no parser's stack is endless.
    std::string deep = "a";
    for (int level = 0; level < 100'000; ++level) deep += ".a";
    EXPECT_THAT(complaint(deep + " = 1\n"), HasSubstr("more than 256 dots on a line"));
    EXPECT_THAT(complaint("\n\n[" + deep + "]\n"), StartsWith("caisson.toml:3:1: "));
    EXPECT_TRUE(load("# " + std::string(1000, '.') + "\n").clean());
    EXPECT_THAT(complaint(std::string(bounds::file_bytes + 1, ' ')),
                HasSubstr("larger than its bound of 1048576 bytes"));
    EXPECT_TRUE(load(std::string(bounds::file_bytes, ' ')).clean());
}

TEST(Load, SurvivesEveryTruncationOfAGoodFile) {
    const std::string good =
        "[service]\nsocket = \"/s\" # c\n[pool.\"math\"]\nworkers = 0x4\nenv = { A = 'b', B = \"\\u00e9\" }\n"
        "[pool.math.settings]\nt = 2024-05-01T07:32:00Z\na = [1, 2.5, [true, nan]]\ns = \"\"\"\nlong\n\"\"\"\n";
    for (std::size_t length = 0; length <= good.size(); ++length) {
        const Loaded loaded = load(good.substr(0, length));
        for (const Problem& problem : loaded.problems) EXPECT_FALSE(problem.what.empty());
    }
}

class File : public testing::Test {
   protected:
    File() {
        std::string name = testing::TempDir() + "caisson-load-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error{"mkdtemp"};
        folder_ = name;
    }
    ~File() override {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    std::filesystem::path write(const std::string& text) {
        std::ofstream{folder_ / "c.toml"} << text;
        return folder_ / "c.toml";
    }
    std::filesystem::path folder_;
};

TEST_F(File, IsTheBaseOfRelativePaths) {
    const Loaded loaded = load_file(write("[service]\nsocket = \"c.sock\"\n[pool.a]\nplugin = \"./a.so\"\n"));
    ASSERT_TRUE(loaded.clean()) << text_of(loaded.problems);
    EXPECT_EQ(loaded.settings.file, folder_ / "c.toml");
    EXPECT_EQ(loaded.settings.service.socket, folder_ / "c.sock");
    ASSERT_EQ(loaded.settings.pools.size(), 1U);
    EXPECT_EQ(loaded.settings.pools[0].plugin, folder_ / "a.so");
}

TEST_F(File, IsNamedAsTheOperatorNamedIt) {
    const auto file = write("[service]\nx = 1\n");
    const auto relative = std::filesystem::relative(file);
    const Loaded loaded = load_file(relative);
    EXPECT_EQ(loaded.settings.file, file);
    ASSERT_EQ(loaded.problems.size(), 1U);
    EXPECT_THAT(loaded.problems[0].text(), StartsWith(relative.native() + ":2:1: "));
}

TEST_F(File, MustBeThereAndReadable) {
    const auto complaint_of = [](const std::filesystem::path& file) {
        const Loaded loaded = load_file(file);
        EXPECT_FALSE(loaded.usable());
        return text_of(loaded.problems);
    };
    EXPECT_THAT(complaint_of(folder_ / "none.toml"),
                HasSubstr("none.toml: cannot be read: No such file or directory (check"));
    EXPECT_THAT(complaint_of(folder_), HasSubstr("is not a regular file"));
    const auto fifo = folder_ / "fifo.toml";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    EXPECT_THAT(complaint_of(fifo), HasSubstr("is not a regular file"));
    EXPECT_THAT(complaint_of("/dev/zero"), HasSubstr("is not a regular file"));
    EXPECT_THAT(complaint_of(write(std::string(bounds::file_bytes + 1, '#'))), HasSubstr("larger than its bound"));
    if (::geteuid() != 0) {
        const auto secret = write("");
        ASSERT_EQ(::chmod(secret.c_str(), 0), 0);
        EXPECT_THAT(complaint_of(secret), HasSubstr("Permission denied (check the rights"));
    }
}

}  // namespace
}  // namespace caisson::settings
