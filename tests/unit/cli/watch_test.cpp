// SPDX-License-Identifier: Apache-2.0
/// status --watch and top where there is no terminal.
#include "cli/watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "cli/exit_code.hpp"
#include "support/fake_service.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::FakeService;
using test::TypedCommand;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;
using Session = FakeService::Session;

std::vector<std::string> at(const FakeService& service, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", service.socket().string()});
    return arguments;
}

FakeService::Script counting(std::atomic<int>& looks) {
    FakeService::Script script;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string&) {
        const auto n = std::to_string(++looks);
        session.reply(id, R"({"supervisor":{"pid":7,"version":"0.1.0","uptime_s":)" + n +
                              R"(},"pools":[{"name":"math","state":"ready","calls":{"ok":)" + n + "00}}]}");
    };
    return script;
}

TEST(Redrawn, GoesHomeAndClearsWhatStoodThere) {
    EXPECT_EQ(redrawn("a\nb\n", {80, 24}), "\x1b[?7l\x1b[Ha\x1b[K\r\nb\x1b[K\r\n\x1b[J\x1b[?7h");
}

TEST(Redrawn, LinesThatHaveNoRoomAreCounted) {
    EXPECT_EQ(redrawn("1\n2\n3\n4\n5\n", {80, 4}),
              "\x1b[?7l\x1b[H1\x1b[K\r\n2\x1b[K\r\n… 3 more lines\x1b[K\r\n\x1b[J\x1b[?7h");
    EXPECT_EQ(redrawn("1\n2\n", {80, 3}), "\x1b[?7l\x1b[H1\x1b[K\r\n2\x1b[K\r\n\x1b[J\x1b[?7h");
    EXPECT_THAT(redrawn("1\n2\n", {80, 1}), HasSubstr("… 2 more lines"));
}

TEST(StatusWatch, PrintsOneAfterTheOtherUntilInterrupted) {
    std::atomic<int> looks = 0;
    FakeService service{counting(looks)};
    TypedCommand command{at(service, {"status", "--watch", "0.1"})};
    const auto out = command.read_lines(9);
    EXPECT_THAT(out, AllOf(StartsWith("caisson 0.1.0, pid 7"), HasSubstr("\n\ncaisson 0.1.0, pid 7")));
    EXPECT_THAT(out, testing::Not(HasSubstr("\x1b")));
    command.interrupt();
    EXPECT_EQ(command.wait_with_open_input(), exit_ok);
}

TEST(StatusWatch, WithJsonOneDocumentALine) {
    std::atomic<int> looks = 0;
    FakeService service{counting(looks)};
    TypedCommand command{at(service, {"status", "--json", "--watch", "100ms"})};
    EXPECT_THAT(command.read_lines(3), AllOf(StartsWith(R"({"supervisor")"), testing::Not(HasSubstr("\n\n"))));
    command.interrupt();
    EXPECT_EQ(command.wait_with_open_input(), exit_ok);
}

TEST(StatusWatch, APoolMayStandBehindIt) {
    std::string asked;
    FakeService::Script script;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string& json) {
        asked = json;
        session.reply(id, R"({"message":"there is no pool math"})", true);
    };
    FakeService service{script};
    TypedCommand command{at(service, {"status", "--watch", "math"})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_EQ(asked, R"({"pool":"math","verb":"status"})");
}

TEST(StatusWatch, SaysOnceThatTheServiceHasGoneAndGoesOnWhenItIsBack) {
    std::atomic<int> looks = 0;
    FakeService::Script script;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string&) {
        if (++looks == 3) return session.close();
        session.reply(id, R"({"pools":[]})");
    };
    FakeService service{script};
    TypedCommand command{at(service, {"status", "--watch", "0.1"})};
    command.wait_for_error("trying again");
    (void)command.read_lines(8);
    command.interrupt(SIGTERM);
    EXPECT_EQ(command.wait_with_open_input(), exit_ok);
    EXPECT_GT(looks.load(), 3);
}

TEST(StatusWatch, EndsWhenNobodyReads) {
    std::atomic<int> looks = 0;
    FakeService service{counting(looks)};
    TypedCommand command{at(service, {"status", "--watch", "0.1"})};
    (void)command.read_lines(1);
    command.stop_reading();
    EXPECT_EQ(command.wait_with_open_input(), exit_ok);
}

TEST(TopCommand, WithoutATerminalSaysWhatToUse) {
    std::atomic<int> looks = 0;
    FakeService service{counting(looks)};
    TypedCommand command{at(service, {"top"})};
    EXPECT_EQ(command.wait(), exit_usage);
    EXPECT_THAT(command.err, AllOf(HasSubstr("no terminal"), HasSubstr("status --watch"), HasSubstr("--batch")));
    EXPECT_EQ(command.out, "");
}

TEST(TopCommand, ABatchIsFramesOfText) {
    std::atomic<int> looks = 0;
    FakeService service{counting(looks)};
    TypedCommand command{at(service, {"top", "--batch", "-n", "2", "-d", "0.1"})};
    EXPECT_EQ(command.wait(), exit_ok);
    EXPECT_EQ(looks.load(), 2);
    EXPECT_THAT(command.out, AllOf(StartsWith("caisson 0.1.0"), HasSubstr(" POOL^"), HasSubstr("100 calls/s"),
                                   testing::Not(HasSubstr("\x1b"))));
    TypedCommand one{at(service, {"top", "--once"})};
    EXPECT_EQ(one.wait(), exit_ok);
    EXPECT_EQ(looks.load(), 3);
}

}  // namespace
}  // namespace caisson::cli
