// SPDX-License-Identifier: Apache-2.0
/// caisson call, against a service that does what the test says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/document.hpp"
#include "cli/exit_code.hpp"
#include "support/eventually.hpp"
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

std::string content(const std::filesystem::path& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
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

TEST(CallCommand, ALargeBodyIsHandedOver) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.ok(call.id, std::to_string(call.flags & wire::flag::detached) + " " + std::to_string(call.body.size()) +
                                " " + call.body.substr(call.body.size() - 4));
    })};
    const auto file = service.socket().parent_path() / "large";
    std::ofstream{file} << std::string(wire::max_body_bytes, 'x') << "tail";
    TypedCommand of_file{at(service, {"call", "x.y", "@" + file.string()})};
    EXPECT_EQ(of_file.wait(), 0) << of_file.err;
    EXPECT_EQ(of_file.out, "1 16777220 tail");
    TypedCommand of_input{at(service, {"call", "x.y", "-"})};
    of_input.type(std::string(wire::inline_body_bytes, 'x') + "tail");
    EXPECT_EQ(of_input.wait(), 0) << of_input.err;
    EXPECT_EQ(of_input.out, "1 65540 tail");
    TypedCommand small{at(service, {"call", "x.y", "-"})};
    small.type(std::string(wire::inline_body_bytes - 4, 'x') + "tail");
    EXPECT_EQ(small.wait(), 0);
    EXPECT_EQ(small.out, "0 65536 tail");
}

TEST(CallCommand, OptionsGoWithTheCall) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.ok(call.id, std::to_string(call.priority) + " " + std::to_string(call.attempt) + " " +
                                std::to_string(call.flags) + " " + std::to_string(call.time_ns));
    })};
    const auto output = [&](std::vector<std::string> options) {
        options.insert(options.begin(), {"call", "x.y"});
        TypedCommand command{at(service, options)};
        EXPECT_EQ(command.wait(), 0) << command.err;
        return command.out;
    };
    EXPECT_EQ(output({}), "0 0 2 0") << "it streams";
    EXPECT_EQ(output({"--retries", "0"}), "0 1 2 0");
    EXPECT_EQ(output({"--retries", "3"}), "0 4 0 0") << "what may be tried again is not handed out in pieces";
    EXPECT_EQ(output({"--priority", "-10", "--timeout", "1s"}), "-10 0 2 1000000000");
    EXPECT_EQ(output({"--priority=10", "--keep"}), "10 0 6 0");
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

TEST(CallCommand, WithJsonALargeOutputIsADocumentToo) {
    const std::string large = '"' + std::string(100'000, 'x') + '"';
    FakeService service{script_of(
        [&](Session& session, const Call& call) { session.ok(call.id, FakeService::Detached{.contents = large}); })};
    TypedCommand command{at(service, {"call", "x.y", "--json"})};
    EXPECT_EQ(command.wait(), 0) << command.err;
    EXPECT_EQ(parse_document(command.out)["output"].get<std::string>().size(), large.size());
    TypedCommand bytes{at(service, {"call", "x.y", "--retries", "1"})};
    EXPECT_EQ(bytes.wait(), 0) << bytes.err;
    EXPECT_TRUE(bytes.out == large);
}

TEST(CallCommand, WithKeepCtrlCOnlyLeaves) {
    std::atomic<bool> called = false;
    std::atomic<bool> cancelled = false;
    FakeService::Script script;
    script.on_call = [&](Session&, const Call&) { called = true; };
    script.on_cancel = [&](Session&, std::uint64_t) { cancelled = true; };
    FakeService service{script};
    TypedCommand command{at(service, {"call", "x.y", "--keep"})};
    EXPECT_TRUE(test::eventually([&] { return called.load(); }));
    command.interrupt();
    EXPECT_EQ(command.wait(), exit_cancelled);
    EXPECT_EQ(command.err, "caisson: left: x.y goes on, and nobody hears how it ends\n");
    EXPECT_FALSE(cancelled);
}

TEST(CallCommand, APoisonedInputSaysWhatToDo) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.end(call.id, wire::OutcomeKind::refused,
                    R"({"outcome":"refused","pool":"x","method":"y","message":"it killed 3 workers",)"
                    R"("bound":"poison.crashes","poison":"7f3a91","report":"01JD"})");
    })};
    TypedCommand command{at(service, {"call", "x.y"})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_EQ(command.err,
              "caisson: x.y refused: it killed 3 workers\n"
              "  report 01JD\n"
              "  once it is mended: caisson poison --clear 7f3a91\n");
}

}  // namespace
}  // namespace caisson::cli
