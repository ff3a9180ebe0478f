// SPDX-License-Identifier: Apache-2.0
/// Commands against a service that does what the test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/exit_code.hpp"
#include "support/fake_service.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::FakeService;
using test::TypedCommand;
using testing::AllOf;
using testing::HasSubstr;
using Call = FakeService::Call;
using Session = FakeService::Session;

std::vector<std::string> at(const FakeService& service, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--socket", service.socket().string()});
    return arguments;
}

FakeService::Script script_of(std::function<void(Session&, const Call&)> on_call) {
    FakeService::Script script;
    script.on_call = std::move(on_call);
    return script;
}

FakeService::Script answering(std::string json, bool refused = false) {
    FakeService::Script script;
    script.on_request = [=](Session& session, std::uint64_t id, const std::string&) {
        session.reply(id, json, refused);
    };
    return script;
}

std::string content(const std::filesystem::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(NoService, IsExitCode3AndSaysWhatToDo) {
    for (const auto* name : {"status", "workers", "crashes", "reload", "stop"}) {
        TypedCommand command{{"--socket", "/nowhere/caisson.sock", name}};
        EXPECT_EQ(command.wait(), exit_no_service);
        EXPECT_THAT(command.err, AllOf(HasSubstr("/nowhere/caisson.sock"), HasSubstr("caisson serve")));
    }
}

TEST(CallCommand, TheResultIsByteForByte) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.chunk(call.id, std::string_view{"a\0\x1b", 3});
        session.ok(call.id, call.target + call.body + call.params, wire::Encoding::bytes);
    })};
    TypedCommand command{at(service, {"call", "x.y", "body", "--params", "{}"})};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, std::string("a\0\x1b", 3) + "x.ybody{}");
    EXPECT_EQ(command.err, "");
}

TEST(CallCommand, TheBodyMayBeANumberTheInputOrAFile) {
    FakeService service{script_of([](Session& session, const Call& call) { session.ok(call.id, call.body); })};
    const auto output = [&](const std::vector<std::string>& arguments, std::string_view input = {}) {
        TypedCommand command{at(service, arguments)};
        EXPECT_EQ(command.type(input).wait(), 0) << command.err;
        return command.out;
    };
    EXPECT_EQ(output({"call", "x.y"}), "");
    EXPECT_EQ(output({"call", "x.y", "-7"}), "-7");
    EXPECT_EQ(output({"call", "x.y", "[1,2]"}), "[1,2]");
    EXPECT_EQ(output({"call", "x.y", "status"}), "status");
    EXPECT_EQ(output({"call", "x.y", "--", "--json"}), "--json");
    EXPECT_EQ(output({"call", "x.y", "-"}, "from the input\n"), "from the input\n");
    const auto file = service.socket().parent_path() / "body";
    std::ofstream{file} << "from a file";
    EXPECT_EQ(output({"call", "x.y", "@" + file.string()}), "from a file");
}

TEST(CallCommand, AFileThatIsNotThereIsAnInputError) {
    TypedCommand command{{"call", "x.y", "@/nowhere/body"}};
    EXPECT_EQ(command.wait(), exit_io);
    EXPECT_THAT(command.err, HasSubstr("cannot open /nowhere/body: No such file"));
    TypedCommand folder{{"call", "x.y", "@/tmp"}};
    EXPECT_EQ(folder.wait(), exit_io);
    EXPECT_THAT(folder.err, HasSubstr("is a folder"));
}

TEST(CallCommand, ABodyOverTheBoundIsRefusedWithItsName) {
    FakeService service{FakeService::Script{}};
    const auto file = service.socket().parent_path() / "large";
    std::ofstream{file}.close();
    std::filesystem::resize_file(file, wire::max_body_bytes + 1);
    TypedCommand command{at(service, {"call", "x.y", "@" + file.string()})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_THAT(command.err, AllOf(HasSubstr("x.y refused"), HasSubstr("max_body_bytes")));
}

TEST(CallCommand, EachOutcomeHasItsExitCodeAndWords) {
    FakeService service{script_of([](Session& session, const Call& call) {
        const auto kind = static_cast<wire::OutcomeKind>(std::stoi(call.body));
        session.end(call.id, kind, R"({"outcome":")" + std::string{word(kind)} + R"(","message":"so it is"})");
    })};
    const std::vector<std::pair<std::string, int>> expected = {{"1", 1}, {"2", 4}, {"3", 5}, {"4", 8}, {"5", 6}};
    for (const auto& [body, code] : expected) {
        TypedCommand command{at(service, {"call", "x.y", body})};
        EXPECT_EQ(command.wait(), code);
        EXPECT_THAT(command.err, AllOf(HasSubstr("caisson: x.y "), HasSubstr("so it is")));
        EXPECT_EQ(command.out, "");
    }
}

TEST(CallCommand, WithJsonTheOutcomeIsADocument) {
    FakeService service{script_of([](Session& session, const Call& call) {
        if (call.body == "bad") return session.end(call.id, wire::OutcomeKind::crashed, R"({"outcome":"crashed"})");
        session.ok(call.id, "49", wire::Encoding::json);
    })};
    TypedCommand good{at(service, {"call", "x.y", "--json"})};
    EXPECT_EQ(good.wait(), 0);
    EXPECT_EQ(good.out, "{\"outcome\":\"ok\",\"output\":49}\n");
    TypedCommand bad{at(service, {"call", "x.y", "bad", "--json"})};
    EXPECT_EQ(bad.wait(), exit_crashed);
    EXPECT_EQ(bad.out, "{\"outcome\":\"crashed\"}\n");
    EXPECT_EQ(bad.err, "");
}

TEST(CallCommand, AFileAppearsWholeOrNotAtAll) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.chunk(call.id, "part ");
        if (call.body == "bad") return session.end(call.id, wire::OutcomeKind::failed, R"({"outcome":"failed"})");
        session.ok(call.id, "end");
    })};
    const auto folder = service.socket().parent_path() / "results";
    std::filesystem::create_directory(folder);
    const auto file = folder / "result";
    TypedCommand bad{at(service, {"call", "x.y", "bad", "-o", file.string()})};
    EXPECT_EQ(bad.wait(), exit_failed);
    EXPECT_TRUE(std::filesystem::is_empty(folder));
    TypedCommand good{at(service, {"call", "x.y", "-o", file.string()})};
    EXPECT_EQ(good.wait(), 0);
    EXPECT_EQ(content(file), "part end");
    EXPECT_EQ(good.out, "");
    TypedCommand again{at(service, {"call", "x.y", "bad", "-o", file.string()})};
    EXPECT_EQ(again.wait(), exit_failed);
    EXPECT_EQ(content(file), "part end") << "what was there stays";
    TypedCommand full{at(service, {"call", "x.y", "-o", "/dev/full"})};
    EXPECT_EQ(full.wait(), exit_io);
    EXPECT_THAT(full.err, HasSubstr("No space left"));
}

TEST(CallCommand, CtrlCCancelsAndASecondOneLeaves) {
    FakeService service{script_of([](Session&, const Call&) {})};
    TypedCommand command{at(service, {"call", "x.y"})};
    command.interrupt();
    EXPECT_EQ(command.wait(), exit_cancelled);
    EXPECT_THAT(command.err, AllOf(HasSubstr("cancelling x.y"), HasSubstr("x.y cancelled")));

    FakeService::Script deaf;
    deaf.on_cancel = [](Session&, std::uint64_t) {};
    FakeService hung{deaf};
    TypedCommand stuck{at(hung, {"call", "x.y"})};
    stuck.interrupt();
    stuck.wait_for_error("Ctrl-C again");
    stuck.interrupt();
    EXPECT_EQ(stuck.wait(), exit_cancelled);
    EXPECT_THAT(stuck.err, HasSubstr("left without waiting"));
}

TEST(CallCommand, AServiceThatDiesIsSaid) {
    FakeService service{script_of([](Session& session, const Call&) { session.close(); })};
    TypedCommand command{at(service, {"call", "x.y"})};
    EXPECT_EQ(command.wait(), exit_crashed);
    EXPECT_THAT(command.err, HasSubstr("whether the call was done is not known"));
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
