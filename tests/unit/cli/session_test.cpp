// SPDX-License-Identifier: Apache-2.0
/// Commands against a service that does what the test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/exit_code.hpp"
#include "support/fake_service.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::FakeService;
using test::TypedCommand;
using testing::AllOf;
using testing::HasSubstr;
using Session = FakeService::Session;

std::vector<std::string> at(const FakeService& service, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", service.socket().string()});
    return arguments;
}

FakeService::Script answering(std::string json, bool refused = false) {
    FakeService::Script script;
    script.on_request = [=](Session& session, std::uint64_t id, const std::string&) {
        session.reply(id, json, refused);
    };
    return script;
}

TEST(NoService, IsExitCode3AndSaysWhatToDo) {
    for (const auto* name : {"status", "workers", "top", "crashes", "poison", "reload", "stop"}) {
        TypedCommand command{{"--socket", "/nowhere/caisson.sock", name}};
        EXPECT_EQ(command.wait(), exit_no_service);
        EXPECT_THAT(command.err, AllOf(HasSubstr("/nowhere/caisson.sock"), HasSubstr("caisson serve")));
    }
}

TEST(StatusCommand, WithJsonItIsTheServicesOwnDocument) {
    FakeService service{answering(R"({"pools": [], "later": 1})")};
    TypedCommand json{at(service, {"status", "--json"})};
    EXPECT_EQ(json.wait(), 0);
    EXPECT_EQ(json.out, "{\"pools\": [], \"later\": 1}\n");
    TypedCommand table{at(service, {"status"})};
    EXPECT_EQ(table.wait(), 0);
    EXPECT_THAT(table.out, HasSubstr("there are no pools"));
}

TEST(StatusCommand, ARefusalListsThePools) {
    FakeService service{answering(R"({"message":"no such pool","pools":["math","text"]})", true)};
    TypedCommand command{at(service, {"status", "mat"})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_EQ(command.err, "caisson: status of mat refused: no such pool\n  did you mean math?\n  pools: math, text\n");
}

TEST(ResizeCommand, SendsTheRequestAndSaysWhatChanged) {
    std::string asked;
    FakeService::Script script;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string& json) {
        asked = json;
        session.reply(id, R"({"pool":"math","was":4,"workers":8})");
    };
    FakeService service{script};
    TypedCommand command{at(service, {"resize", "math", "8"})};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "pool math: workers 4 -> 8\n");
    EXPECT_EQ(asked, R"({"pool":"math","verb":"resize","workers":8})");
}

TEST(ReloadCommand, PrintsTheChanges) {
    FakeService changed{answering(R"({"changes":["pool math: workers 4 -> 8","pool text: new"]})")};
    TypedCommand command{at(changed, {"reload"})};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "pool math: workers 4 -> 8\npool text: new\n");
    FakeService same{answering(R"({"changes":[]})")};
    TypedCommand again{at(same, {"reload"})};
    EXPECT_EQ(again.wait(), 0);
    EXPECT_EQ(again.out, "nothing changed\n");
}

TEST(StopCommand, GivesUpWaitingWhenItsTimeIsOver) {
    // The fake runs in this process, which does not end.
    FakeService service{answering(R"({"stopping":true})")};
    TypedCommand command{at(service, {"stop", "--timeout", "300ms"})};
    EXPECT_EQ(command.wait(), exit_timed_out);
    EXPECT_THAT(command.err, HasSubstr("not gone after 300ms"));
}

TEST(Output, AReaderThatWentAwayIsNoError) {
    FakeService service{answering(R"({"pools":[]})")};
    TypedCommand command{at(service, {"status"})};
    command.stop_reading();
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.err, "");
}

}  // namespace
}  // namespace caisson::cli
