// SPDX-License-Identifier: Apache-2.0
/// What plugins print: found in the log and in crash reports, and never more than the bounds allow.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/load.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

constexpr std::uint64_t MiB = 1024 * 1024;

/// What the supervisor may grow by while it bounds something much larger. A sanitizer keeps what was freed.
#if defined(CAISSON_SANITIZED)
constexpr std::uint64_t allowed_growth = 512 * MiB;
#else
constexpr std::uint64_t allowed_growth = 24 * MiB;
#endif

class PluginOutput : public testing::Test {
   protected:
    Service service_{
        {.pools = "[pool.math]\nworkers = 2\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n",
         .log = "plugin_lines = 50\nplugin_line_bytes = \"1KiB\"\n"}};
};

TEST_F(PluginOutput, IsTaggedInTheLog) {
    const auto pid = service_.workers("chaos").at(0);
    EXPECT_EQ(service_.run({"call", "chaos.say", "good morning"}).code, 0);
    service_.await_log("stream=stdout");
    service_.await_log("stream=stderr");
    const auto tags = " pool=chaos worker=1 pid=" + std::to_string(pid) + " call=[0-9]+";
    EXPECT_THAT(service_.log(), ContainsRegex("good morning stream=stdout" + tags));
    EXPECT_THAT(service_.log(), ContainsRegex("good morning stream=stderr" + tags));
}

TEST_F(PluginOutput, EscapesWhatATerminalWouldObey) {
    auto client = service_.client();
    const std::string evil = "\x1b[2J\x1b]0;owned\x07 fine \xff\xfe";
    EXPECT_EQ(call(client, "chaos.say", evil).outcome, Outcome::ok);
    service_.await_log("stream=stdout");
    const auto id = document(call(client, "chaos.segv")).at("report").get<std::string>();

    const auto failure = call(client, "chaos.fail", {}, Json{{"message", "\x1b[31mred"}}.dump());
    EXPECT_THAT(failure.message, Not(HasSubstr("\x1b")));
    for (const auto& text : {service_.log(), service_.run({"crashes", id}).out, service_.run({"status"}).out}) {
        const bool clean = std::ranges::all_of(
            text, [](char c) { return static_cast<unsigned char>(c) >= ' ' || c == '\n' || c == '\t'; });
        EXPECT_TRUE(clean) << text;
    }
    EXPECT_THAT(service_.run({"crashes", id}).out, HasSubstr(" fine "));
}

TEST_F(PluginOutput, TheLastLinesAreInTheCrashReport) {
    auto client = service_.client();
    for (int i = 1; i <= 40; ++i)
        EXPECT_EQ(call(client, "chaos.say", "line " + std::to_string(i)).outcome, Outcome::ok);
    const auto crashed = document(call(client, "chaos.segv"));
    const auto& output = crashed.at("output");
    ASSERT_FALSE(output.empty());
    EXPECT_LE(output.size(), 20U);
    EXPECT_EQ(output.back(), "line 40");
    EXPECT_THAT(service_.run({"crashes", crashed.at("report")}).out, HasSubstr("  line 40\n"));
}

TEST_F(PluginOutput, WithoutAnEndOfLineIsBounded) {
    Load load{service_.socket()};
    load.await();
    const auto before = resident_bytes(service_.pid());
    auto client = service_.client();
    EXPECT_EQ(call(client, "chaos.flood_stdout", std::to_string(64 * MiB)).output, std::to_string(64 * MiB));
    load.await();
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + allowed_growth);
    // One line that was cut.
    service_.await_log("~~~~");
    EXPECT_LT(service_.log().size(), MiB);
    EXPECT_EQ(load.stop(), "");
}

TEST_F(PluginOutput, OfManyLinesIsBounded) {
    Load load{service_.socket()};
    load.await();
    const auto before = resident_bytes(service_.pid());
    auto client = service_.client();
    EXPECT_EQ(call(client, "chaos.flood_stdout", std::to_string(64 * MiB), R"({"newlines":true})").outcome,
              Outcome::ok);
    load.await();
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + allowed_growth);
    EXPECT_EQ(load.stop(), "");
    // What was held back is counted when there is something to say again.
    ASSERT_TRUE(eventually([&] {
        EXPECT_EQ(call(client, "chaos.say", "still here").outcome, Outcome::ok);
        return service_.log().find("lines of plugin output not logged") != std::string::npos;
    }));
    EXPECT_LT(service_.log().size(), MiB);
}

}  // namespace
}  // namespace caisson::test
