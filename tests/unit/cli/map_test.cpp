// SPDX-License-Identifier: Apache-2.0
/// The window of map: order, look-ahead, failures, interrupts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <set>

#include "cli/exit_code.hpp"
#include "cli/mapper.hpp"
#include "support/eventually.hpp"
#include "support/fake_service.hpp"
#include "support/typed_command.hpp"

namespace caisson::cli {
namespace {

using test::FakeService;
using test::TypedCommand;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Call = FakeService::Call;
using Session = FakeService::Session;

std::vector<std::string> map_at(const FakeService& service, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"--socket", service.socket().string(), "map", "x.y"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
}

FakeService::Script script_of(std::function<void(Session&, const Call&)> on_call) {
    FakeService::Script script;
    script.on_call = std::move(on_call);
    // So many workers that the look-ahead is as far as can be from the beginning.
    script.on_request = [](Session& session, std::uint64_t id, const std::string&) {
        session.reply(id, R"({"pools":[{"name":"x","target":10000}]})");
    };
    return script;
}

void crash(Session& session, const Call& call) {
    session.end(call.id, wire::OutcomeKind::crashed,
                R"({"outcome":"crashed","pool":"x","method":"y","message":"SIGSEGV"})");
}

// Answers with the body in brackets; "crash" crashes.
void bracket(Session& session, const Call& call) {
    if (call.body.starts_with("crash")) return crash(session, call);
    session.ok(call.id, "<" + call.body + ">");
}

std::string numbers(int from, int to) {
    std::string out;
    for (int i = from; i <= to; ++i) out += std::to_string(i) + "\n";
    return out;
}

TEST(Map, OneResultPerLine) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service)};
    command.type("a\n\nc");
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "<a>\n<>\n<c>\n");
    EXPECT_EQ(command.err, "");
}

TEST(Map, NoLinesAreNoResults) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service)};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "");
}

TEST(Map, AResultThatEndsItsLineGetsNoSecondEnd) {
    FakeService service{script_of([](Session& session, const Call& call) { session.ok(call.id, call.body + "!\n"); })};
    TypedCommand command{map_at(service)};
    command.type("a\nb\n");
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "a!\nb!\n");
}

// Holds calls until there are many, then answers them backwards.
struct Backwards {
    std::vector<Call> held;
    std::size_t batch;
    void operator()(Session& session, const Call& call) {
        held.push_back(call);
        if (held.size() < batch && call.body != "last") return;
        std::ranges::reverse(held);
        for (const auto& one : held) bracket(session, one);
        held.clear();
    }
};

TEST(Map, ResultsComeInTheOrderOfTheLinesHoweverTheyEnd) {
    FakeService service{script_of(Backwards{{}, 100})};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << numbers(1, 10'000) << "last\n";
    TypedCommand command{map_at(service, {file.string()})};
    EXPECT_EQ(command.wait(), 0);
    std::string expected;
    for (int i = 1; i <= 10'000; ++i) expected += "<" + std::to_string(i) + ">\n";
    EXPECT_EQ(command.out, expected + "<last>\n");
}

TEST(Map, UnorderedWritesEachOnceInAnyOrder) {
    FakeService service{script_of(Backwards{{}, 100})};
    TypedCommand command{map_at(service, {"--unordered"})};
    command.type(numbers(1, 250) + "last\n");
    EXPECT_EQ(command.wait(), 0);
    EXPECT_THAT(command.out, testing::StartsWith("<100>\n<99>\n"));
    std::set<std::string> lines;
    std::size_t begin = 0;
    for (auto end = command.out.find('\n'); end != std::string::npos; end = command.out.find('\n', begin = end + 1))
        EXPECT_TRUE(lines.insert(command.out.substr(begin, end - begin)).second);
    EXPECT_EQ(lines.size(), 251U);
}

TEST(Map, NoMoreThanTheWindowIsAhead) {
    std::atomic<std::size_t> held = 0;
    FakeService service{script_of([&](Session&, const Call&) { ++held; })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << numbers(1, 20'000);
    TypedCommand command{map_at(service, {file.string()})};
    EXPECT_TRUE(test::eventually([&] { return held == Window::max_lines; })) << held;
    command.interrupt();
    EXPECT_EQ(command.wait(), exit_cancelled);
    EXPECT_EQ(held, Window::max_lines) << "and no more until one of them ends";
    EXPECT_THAT(command.err, HasSubstr("cancelling 8,192 calls"));
}

TEST(Map, ASlowPoolGetsNoMoreThanTwoCallsForEachWorkerAtFirst) {
    std::atomic<std::size_t> seen = 0;
    auto script = script_of([&](Session& session, const Call& call) {
        ++seen;
        if (call.body == "6") session.ok(call.id, "the sixth");
    });
    std::string asked;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string& json) {
        asked = json;
        session.reply(id, R"({"pools":[{"name":"x","target":3}]})");
    };
    FakeService service{script};
    TypedCommand command{map_at(service, {"--unordered"})};
    command.type(numbers(1, 1000));
    EXPECT_EQ(command.read_lines(1), "the sixth\n");
    EXPECT_TRUE(test::eventually([&] { return seen == 8; })) << "in the place of the one that ended, and one more";
    command.interrupt();
    EXPECT_EQ(command.wait(), exit_cancelled);
    EXPECT_EQ(seen, 8U);
    EXPECT_EQ(asked, R"({"pool":"x","verb":"status"})");
}

TEST(Map, LinesThatAreAtHandLeaveTogether) {
    std::vector<std::uint32_t> batches;
    FakeService service{script_of([&](Session& session, const Call& call) {
        if (call.id.item == 0) batches.push_back(call.batch_items);
        bracket(session, call);
    })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << numbers(1, 600);
    const auto chunks = [&](std::vector<std::string> options) {
        batches.clear();
        options.push_back(file.string());
        TypedCommand command{map_at(service, options)};
        EXPECT_EQ(command.wait(), 0) << command.err;
        EXPECT_EQ(std::ranges::count(command.out, '\n'), 600);
        return batches;
    };
    using Sizes = std::vector<std::uint32_t>;
    EXPECT_EQ(chunks({}), (Sizes{256, 256, 88}));
    EXPECT_EQ(chunks({"--chunk", "4096"}), Sizes{600});
    EXPECT_EQ(chunks({"--chunk", "599"}), (Sizes{599, 0})) << "a single one is a call";
    EXPECT_EQ(chunks({"--chunk", "1"}), Sizes(600, 0));
}

TEST(Map, ALineTooLargeForABatchIsACallOfItsOwnInItsTurn) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.ok(call.id, std::to_string(call.batch_items) + " " + std::to_string(call.body.size()));
    })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << "a\nbc\n"
                        << std::string(Batch::max_bytes, 'x') << "\nd\nef\n"
                        << std::string(Batch::max_bytes - 4, 'y') << "\ng\n";
    TypedCommand command{map_at(service, {file.string()})};
    EXPECT_EQ(command.wait(), 0) << command.err;
    EXPECT_EQ(command.out, "2 1\n2 2\n0 1048576\n2 1\n2 2\n0 1048572\n0 1\n");
}

TEST(Map, LargeResultsComeInTheirTurn) {
    const std::string large(200'000, 'x');
    FakeService service{script_of([&](Session& session, const Call& call) {
        if (call.body == "large") return session.ok(call.id, FakeService::Detached{.contents = large});
        bracket(session, call);
    })};
    TypedCommand command{map_at(service)};
    command.type("1\nlarge\n3\n");
    EXPECT_EQ(command.wait(), 0) << command.err;
    EXPECT_TRUE(command.out == "<1>\n" + large + "\n<3>\n");
}

TEST(Map, OutcomesOfSeveralItemsNameEachLine) {
    FakeService service{script_of([](Session& session, const Call& call) {
        if (call.id.item + 1 < call.batch_items) return;
        session.run(call.id.call, 0, {"first"});
        session.end(call.id.call, {1, 2}, wire::OutcomeKind::refused, R"({"outcome":"refused","message":"full"})");
        session.run(call.id.call, 3, {"last"});
    })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << numbers(1, 4);
    TypedCommand command{map_at(service, {"--keep-going", file.string()})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_EQ(command.out, "first\nlast\n");
    EXPECT_THAT(command.err, AllOf(HasSubstr("line 2 (\"2\"): x.y refused: full"), HasSubstr("line 3 (\"3\"): ")));
}

TEST(Map, OptionsGoWithEachLine) {
    FakeService service{script_of([](Session& session, const Call& call) {
        session.ok(call.id, call.params + " " + std::to_string(call.priority) + " " + std::to_string(call.attempt) +
                                " " + std::to_string(call.time_ns));
    })};
    TypedCommand command{map_at(service, {"--priority", "-3", "--retries", "2", "--timeout", "1ms", "--params", "{}"})};
    command.type("a\nb\n");
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out, "{} -3 3 1000000\n{} -3 3 1000000\n");
}

TEST(Map, ResultsAppearWhileTheInputGoesOn) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service)};
    for (const auto* line : {"one", "two", "three"}) {
        command.type(std::string{line} + "\n");
        const auto lines = static_cast<std::size_t>(std::ranges::count(command.out, '\n'));
        EXPECT_THAT(command.read_lines(lines + 1), HasSubstr("<" + std::string{line} + ">\n"));
    }
    EXPECT_EQ(command.wait(), 0);
}

TEST(Map, TheFirstFailureInOrderEndsItAndNamesTheLine) {
    FakeService service{script_of(Backwards{{}, 5})};
    TypedCommand command{map_at(service)};
    command.type("1\n2\ncrash here\n4\ncrash later\n6\n7\n8\n9\n10\n");
    EXPECT_EQ(command.wait(), exit_crashed);
    EXPECT_EQ(command.out, "<1>\n<2>\n");
    EXPECT_THAT(command.err, HasSubstr("caisson: line 3 (\"crash here\"): x.y crashed: SIGSEGV\n"));
    EXPECT_THAT(command.err, AllOf(HasSubstr("stopped: 2 results written"), Not(HasSubstr("line 5"))));
}

TEST(Map, ALongLineIsCutInTheError) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service)};
    command.type("crash " + std::string(100, 'x') + "\x1b[2J\n");
    EXPECT_EQ(command.wait(), exit_crashed);
    EXPECT_THAT(command.err, HasSubstr("(\"crash " + std::string(34, 'x') + "…\")"));
}

TEST(Map, KeepGoingReportsEachAndEndsWithTheFirst) {
    FakeService service{script_of([](Session& session, const Call& call) {
        if (call.body == "fail")
            return session.end(call.id, wire::OutcomeKind::failed, R"({"outcome":"failed","message":"no"})");
        bracket(session, call);
    })};
    TypedCommand command{map_at(service, {"--keep-going"})};
    command.type("1\nfail\n3\ncrash\n5\n");
    EXPECT_EQ(command.wait(), exit_failed);
    EXPECT_EQ(command.out, "<1>\n<3>\n<5>\n");
    EXPECT_EQ(command.err,
              "caisson: line 2 (\"fail\"): x.y failed: no\n"
              "caisson: line 4 (\"crash\"): x.y crashed: SIGSEGV\n"
              "caisson: 5 lines: 3 ok, 2 failed\n");
}

TEST(Map, WithJsonEveryLineHasALine) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service, {"--keep-going", "--json"})};
    command.type("1\ncrash\n");
    EXPECT_EQ(command.wait(), exit_crashed);
    EXPECT_EQ(command.out,
              "{\"line\":1,\"outcome\":\"ok\",\"output\":\"<1>\"}\n"
              "{\"line\":2,\"message\":\"SIGSEGV\",\"method\":\"y\",\"outcome\":\"crashed\",\"pool\":\"x\"}\n");
}

TEST(Map, ALineOverTheBoundIsRefusedInItsTurn) {
    FakeService service{
        script_of([](Session& session, const Call& call) { session.ok(call.id, std::to_string(call.body.size())); })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << "ab\n"
                        << std::string(wire::max_body_bytes + 1, 'x') << "\n"
                        << std::string(wire::max_body_bytes, 'y');
    TypedCommand command{map_at(service, {file.string(), "--keep-going"})};
    EXPECT_EQ(command.wait(), exit_refused);
    EXPECT_EQ(command.out, "2\n16777216\n");
    EXPECT_THAT(command.err, AllOf(HasSubstr("line 2 (\"xxx"), HasSubstr("max_body_bytes")));
}

TEST(Map, AServiceThatDiesEndsItWithTheLine) {
    FakeService service{script_of([](Session& session, const Call& call) {
        if (call.body == "3") return session.close();
        bracket(session, call);
    })};
    TypedCommand command{map_at(service, {"--keep-going"})};
    command.type("1\n2\n3\n");
    command.wait_for_error("3 lines: 2 ok, 1 failed");
    EXPECT_EQ(command.wait(), exit_crashed) << "although the input goes on";
    EXPECT_EQ(command.out, "<1>\n<2>\n");
    EXPECT_THAT(command.err, HasSubstr("line 3 (\"3\"): x.y crashed: the session was lost"));
}

TEST(Map, CtrlCCancelsWhatIsOutAndSaysWhatWasDone) {
    FakeService service{script_of([](Session& session, const Call& call) {
        if (call.body.size() == 1) bracket(session, call);
    })};
    TypedCommand command{map_at(service)};
    command.type("1\n2\nhangs\n4\n");
    (void)command.read_lines(2);
    command.interrupt();
    command.wait_for_error("interrupted");
    EXPECT_EQ(command.wait(), exit_cancelled);
    EXPECT_EQ(command.out, "<1>\n<2>\n");
    EXPECT_THAT(command.err,
                AllOf(HasSubstr("cancelling 1 call;"), HasSubstr("interrupted: 2 results written, 2 calls")));
}

TEST(Map, ASecondCtrlCDoesNotWait) {
    auto deaf = script_of([](Session&, const Call&) {});
    deaf.on_cancel = [](Session&, std::uint64_t) {};
    FakeService service{deaf};
    TypedCommand command{map_at(service)};
    command.type("1\n2\n");
    command.interrupt();
    command.wait_for_error("Ctrl-C again");
    command.interrupt();
    command.wait_for_error("left without waiting");
    EXPECT_EQ(command.wait(), exit_cancelled);
}

TEST(Map, AReaderThatWentEndsItQuietlyWhileTheInputGoesOn) {
    FakeService service{script_of(bracket)};
    TypedCommand command{map_at(service)};
    command.type("1\n");
    EXPECT_EQ(command.read_lines(1), "<1>\n");
    command.stop_reading();
    // Nothing more is typed, and the input does not end: only the reader's end can end it.
    EXPECT_EQ(command.wait_with_open_input(), 0);
    EXPECT_EQ(command.err, "");
}

TEST(Map, ASlowReaderGetsEverything) {
    FakeService service{
        script_of([](Session& session, const Call& call) { session.ok(call.id, std::string(5000, 'x')); })};
    const auto file = service.socket().parent_path() / "lines";
    std::ofstream{file} << numbers(1, 2000);
    TypedCommand command{map_at(service, {file.string()})};
    EXPECT_EQ(command.wait(), 0);
    EXPECT_EQ(command.out.size(), 2000U * 5001);
}

TEST(Map, AFileThatIsNotThereIsAnInputError) {
    TypedCommand command{{"map", "x.y", "/nowhere/lines"}};
    EXPECT_EQ(command.wait(), exit_io);
    EXPECT_THAT(command.err, HasSubstr("cannot open /nowhere/lines"));
}

}  // namespace
}  // namespace caisson::cli
