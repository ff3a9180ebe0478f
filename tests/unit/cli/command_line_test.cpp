// SPDX-License-Identifier: Apache-2.0
/// What was typed: what it means, and what is said when it means nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::DoorLog;
using test::TypedCommand;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandLine, TheVersion) {
    TypedCommand command{{"--version"}};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_THAT(command.out, StartsWith("caisson "));
}

TEST(CommandLine, HelpOfTheWholeListsTheCommands) {
    TypedCommand command{{"--help"}};
    EXPECT_EQ(command.wait(), 0);
    for (const auto& entry : commands()) EXPECT_THAT(command.out, HasSubstr(std::string{entry.summary}));
}

TEST(CommandLine, HelpOfEachHasUsageExitCodesAndExamples) {
    for (const auto& entry : commands()) {
        TypedCommand command{{std::string{entry.name}, "--help"}};
        EXPECT_EQ(command.wait(), 0);
        EXPECT_THAT(command.out, AllOf(HasSubstr("Usage: caisson " + std::string{entry.name}), HasSubstr("Exit codes:"),
                                       HasSubstr("Example"), HasSubstr("--socket PATH"), HasSubstr("--json")));
    }
}

TEST(CommandLine, NothingIsWrongUsageWithTheHelp) {
    TypedCommand command{{}};
    EXPECT_EQ(command.wait(), exit_usage);
    EXPECT_THAT(command.err, HasSubstr("Usage: caisson"));
    EXPECT_EQ(command.out, "");
}

struct Wrong {
    std::vector<std::string> arguments;
    std::string said;
};

class WrongUsage : public testing::TestWithParam<Wrong> {};

TEST_P(WrongUsage, IsExitCode2AndSaysWhat) {
    TypedCommand command{GetParam().arguments};
    EXPECT_EQ(command.wait(), exit_usage);
    EXPECT_THAT(command.err, AllOf(StartsWith("caisson: "), HasSubstr(GetParam().said), HasSubstr("--help`")));
    EXPECT_EQ(command.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    All, WrongUsage,
    testing::Values(
        Wrong{{"clal", "math.square", "7"}, R"(unknown command "clal"; did you mean call?)"},
        Wrong{{"zzz"}, R"(unknown command "zzz")"},
        Wrong{{"map", "math.square", "--keepgoing"}, "did you mean --keep-going?"},
        Wrong{{"--sokcet", "x", "status"}, "did you mean --socket?"}, Wrong{{"call"}, "POOL.METHOD"},
        Wrong{{"call", "math"}, "is not POOL.METHOD"}, Wrong{{"call", ".square"}, "is not POOL.METHOD"},
        Wrong{{"call", "math.square", "7", "8"}, "\"8\" is one argument too many"},
        Wrong{{"call", "math.square", "--params", "[1]"}, "--params wants a JSON object"},
        Wrong{{"call", "math.square", "--params", "{"}, "--params wants a JSON object"},
        Wrong{{"call", "math.square", "--timeout", "soon"}, "--timeout"},
        Wrong{{"call", "math.square", "--timeout"}, "--timeout"},
        Wrong{{"call", "math.square", "--timeout", "-5s"}, "--timeout: \"-5s\" is negative"},
        Wrong{{"map", "math.square", "--timeout", "nan"}, "--timeout"},
        Wrong{{"map", "math.square", "--timeout", ""}, "--timeout"},
        Wrong{{"call", "math.square", "--retries", "-1"}, "--retries wants a whole number from 0 to 100, and got -1"},
        Wrong{{"call", "math.square", "--retries", "101"}, "--retries wants"},
        Wrong{{"map", "math.square", "--retries", "2x"}, "--retries wants"},
        Wrong{{"call", "math.square", "--priority", "nan"},
              "--priority wants a whole number from -10 to 10, and got nan"},
        Wrong{{"call", "math.square", "--priority", "11"}, "--priority wants"},
        Wrong{{"map", "math.square", "--priority=-11"}, "--priority wants"},
        Wrong{{"map", "math.square", "--chunk", "0"}, "--chunk wants a whole number from 1 to 4096, and got 0"},
        Wrong{{"map", "math.square", "--chunk", "4097"}, "--chunk wants"},
        Wrong{{"map", "math.square", "--chunk", "1e3"}, "--chunk wants"},
        Wrong{{"map", "math.square", "--chunk", ""}, "--chunk wants a whole number from 1 to 4096, and got nothing"},
        Wrong{{"map", "math.square", "--chunk", "99999999999999999999"}, "--chunk wants"},
        Wrong{{"map", "math.square", "--keep"}, "--keep"}, Wrong{{"poison", "--clear"}, "--clear"},
        Wrong{{"poison", "--clear", ""}, "--clear wants an ID"},
        Wrong{{"poison", "--clear", "x", "--clear-all"}, "different things"},
        Wrong{{"poison", "7f3a"}, "one argument too many"}, Wrong{{"resize", "math"}, "N is required"},
        Wrong{{"resize", "math", "many"}, "many"}, Wrong{{"resize", "math", "-1"}, "-1"}, Wrong{{"check"}, "FILE"},
        Wrong{{"status", "--watch=0"}, "--watch wants a time from 0.1 seconds to an hour"},
        Wrong{{"status", "math", "--watch", "soon"}, "soon"}, Wrong{{"top", "-d", "2h"}, "--delay wants"},
        Wrong{{"top", "-d", "nan"}, "--delay wants"}, Wrong{{"top", "-n", "0"}, "--frames wants"},
        Wrong{{"top", "--json"}, "status --json --watch"}));

TEST(CommandLine, ServeGetsWhatWasTyped) {
    DoorLog log;
    TypedCommand command{{"--socket", "/s", "serve", "-c", "f.toml", "--plugin-dir", "p", "--strict"}, log.doors()};
    EXPECT_EQ(command.wait(), 0);
    ASSERT_EQ(log.served.size(), 1U);
    EXPECT_EQ(log.served[0].config, "f.toml");
    EXPECT_EQ(log.served[0].socket, "/s");
    EXPECT_EQ(log.served[0].plugin_dir, "p");
    EXPECT_TRUE(log.served[0].strict);
}

TEST(CommandLine, GlobalOptionsMayStandAfterTheCommand) {
    DoorLog log;
    TypedCommand command{{"check", "a.toml", "--json", "b.so"}, log.doors()};
    EXPECT_EQ(command.wait(), 7) << "the door's exit code is the command's";
    ASSERT_EQ(log.checked.size(), 1U);
    EXPECT_TRUE(log.checked[0].json);
    EXPECT_EQ(log.checked[0].files, (std::vector<std::filesystem::path>{"a.toml", "b.so"}));
}

TEST(CommandLine, DoctorPrintsWhatTheDoorTells) {
    TypedCommand table{{"doctor"}};
    EXPECT_EQ(table.wait(), 0);
    EXPECT_THAT(table.out, HasSubstr("pidfd       yes   Linux 6.18  sees a worker end\n"));
    TypedCommand json{{"doctor", "--json"}};
    EXPECT_EQ(json.wait(), 0);
    EXPECT_THAT(json.out, HasSubstr(R"("available":true)"));
}

}  // namespace
}  // namespace caisson::cli
