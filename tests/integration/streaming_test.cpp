// SPDX-License-Identifier: Apache-2.0
/// Output that is read while the method runs: pieces and notes come at once, and a reader that is slow holds the
/// method, not the memory of the supervisor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/load.hpp"
#include "support/raw_client.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t MiB = 1024 * 1024;

#if defined(CAISSON_SANITIZED)
constexpr std::uint64_t allowed_growth = 512 * MiB;  // a sanitizer keeps what was freed
constexpr int poured_mib = 256;
#else
constexpr std::uint64_t allowed_growth = 16 * MiB;
constexpr int poured_mib = 1024;
#endif
/// What may lie between a method that writes and a client that does not read: two sockets, the output ring, and the
/// session's high-water mark.
constexpr std::size_t held_mib = 12;

class Streaming : public testing::Test {
   protected:
    /// A call that writes and writes, on a connection that nobody reads. It has written a part, and then waits.
    void pour_unread(const RawClient& client, wire::Header header = {}) {
        const std::string_view target = "ledger.pour";
        header.type = wire::Type::call;
        header.flags |= wire::flag::stream;
        header.id = 1;
        header.a = static_cast<std::uint32_t>(target.size());
        ASSERT_TRUE(client.enters());
        ASSERT_TRUE(client.send(header, target, std::to_string(poured_mib)));
        ASSERT_TRUE(eventually([&] { return !ledger_.lines().empty(); }));
        await_standstill();
    }
    /// Nothing is written for as long as others need for many answers.
    void await_standstill() {
        Load load{service_.socket()};
        std::size_t before = 0;
        ASSERT_TRUE(eventually([&] {
            before = ledger_.lines().size();
            load.await(1000);
            return ledger_.lines().size() == before;
        }));
        EXPECT_EQ(load.stop(), "");
        EXPECT_LT(before, held_mib);
    }
    [[nodiscard]] int ended(const char* outcome) const { return service_.pool("ledger").at("calls").at(outcome); }
    void expect_next_call_is_served() {
        auto client = service_.client();
        EXPECT_EQ(call(client, "ledger.note", "next").output, "next");
    }

    Ledger ledger_;
    Service service_{{.pools = ledger_.pool("ledger", "workers = 1\nstop.grace = \"100ms\"\n") +
                               "[pool.math]\nworkers = 1\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() +
                               "\"\n"}};
};

TEST_F(Streaming, PiecesAndNotesComeWhileTheMethodRuns) {
    const Gate gate;
    auto client = service_.client();
    Ends ends{client};
    const auto id =
        ends.submit({.target = "ledger.write_and_gate", .body = wire::bytes_of(gate.path()), .stream = true});
    while (ends.pieces(id).empty() || ends.note(id).empty()) ends.take_one();
    EXPECT_EQ(ends.pieces(id), "before ");
    EXPECT_EQ(ends.note(id), "at the gate");
    EXPECT_EQ(service_.pool("ledger").at("running"), 1);
    gate.open("after");
    EXPECT_EQ(ends.await(id), "ok ");
    EXPECT_EQ(ends.pieces(id), "before after");
}

TEST_F(Streaming, NotesComeWithoutIt) {
    const Gate gate;
    auto client = service_.client();
    Ends ends{client};
    const auto id = ends.submit({.target = "ledger.write_and_gate", .body = wire::bytes_of(gate.path())});
    while (ends.note(id).empty()) ends.take_one();
    gate.open("after");
    EXPECT_EQ(ends.await(id), "ok before after");
    EXPECT_EQ(ends.pieces(id), "");
}

TEST_F(Streaming, TheCommandPrintsPiecesWhileTheMethodRuns) {
    const Gate gate;
    Program running{service_.command({"call", "ledger.write_and_gate", gate.path()})};
    ASSERT_TRUE(eventually([&] { return running.out() == "before "; })) << running.out() << running.err();
    gate.open("after");
    EXPECT_EQ(running.wait().out, "before after");
}

TEST_F(Streaming, AReaderThatDoesNotReadHoldsTheMethodAndNobodyElse) {
    const auto before = resident_bytes(service_.pid());
    const RawClient client{service_.socket()};
    pour_unread(client);
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + allowed_growth);
    auto other = service_.client();
    EXPECT_EQ(call(other, "chaos.ok", "1").output, "1");

    // Now all of it is read.
    std::uint64_t bytes = 0;
    for (auto frame = client.receive(); frame.header.type != wire::Type::outcome; frame = client.receive()) {
        ASSERT_EQ(frame.header.type, wire::Type::chunk);
        ASSERT_EQ(frame.payload.find_first_not_of('p'), std::string::npos);
        bytes += frame.payload.size();
    }
    EXPECT_EQ(bytes, poured_mib * MiB);
    EXPECT_EQ(ledger_.lines().size(), std::size_t{poured_mib});
    EXPECT_LT(peak_resident_bytes(service_.pid()), before + allowed_growth);
    EXPECT_EQ(ended("ok"), 1);
}

TEST_F(Streaming, ADeadlineEndsACallWhoseReaderDoesNotRead) {
    const RawClient client{service_.socket()};
    const auto workers = service_.workers("ledger");
    pour_unread(client, {.time_ns = std::chrono::nanoseconds{5s}.count()});
    ASSERT_TRUE(eventually([&] { return ended("timed_out") == 1; }));
    EXPECT_EQ(service_.workers("ledger"), workers) << "it looks whether it should give up";
    expect_next_call_is_served();
}

TEST_F(Streaming, ACancelEndsACallWhoseReaderDoesNotRead) {
    const RawClient client{service_.socket()};
    pour_unread(client);
    // Its session is not read either: what it says waits until it takes a part of what it got.
    ASSERT_TRUE(client.send({.type = wire::Type::cancel, .id = 1}));
    std::uint64_t pieces = 0;
    auto frame = client.receive();
    for (; frame.header.type != wire::Type::outcome; frame = client.receive()) ++pieces;
    EXPECT_EQ(Json::parse(frame.payload).at("outcome"), "cancelled");
    EXPECT_LT(pieces * 64, 512 * 1024U);
    expect_next_call_is_served();
}

TEST_F(Streaming, AReaderThatGoesEndsItsCall) {
    {
        const RawClient client{service_.socket()};
        pour_unread(client);
    }
    ASSERT_TRUE(eventually([&] { return ended("cancelled") == 1; }));
    expect_next_call_is_served();
}

TEST_F(Streaming, ACallThatIsKeptGoesOnWhenItsReaderGoes) {
    {
        const RawClient client{service_.socket()};
        pour_unread(client, {.flags = wire::flag::keep});
    }
    ASSERT_TRUE(eventually([&] { return ended("ok") == 1; }));
    EXPECT_EQ(ledger_.lines().size(), std::size_t{poured_mib});
    expect_next_call_is_served();
}

TEST_F(Streaming, TheDeathOfAHeldWorkerIsNoticed) {
    const RawClient client{service_.socket()};
    pour_unread(client);
    ::kill(service_.workers("ledger").at(0), SIGKILL);
    ASSERT_TRUE(eventually([&] { return ended("crashed") == 1; }));
    expect_next_call_is_served();
    const auto outcome = client.outcome();
    EXPECT_EQ(outcome.at("outcome"), "crashed");
    EXPECT_EQ(outcome.at("exit").at("signal"), "SIGKILL");
}

TEST_F(Streaming, AStopEndsACallWhoseReaderDoesNotRead) {
    const RawClient client{service_.socket()};
    pour_unread(client);
    EXPECT_EQ(service_.run({"stop", "--now"}).code, 0);
    EXPECT_EQ(service_.wait().code, 0);
}

// Two streams of one session: the one that is read slowly holds both, and others go on.
TEST_F(Streaming, TwoStreamsOfOneSession) {
    const RawClient client{service_.socket()};
    pour_unread(client);
    const std::string size = std::to_string(64 * MiB);
    ASSERT_TRUE(
        client.send({.type = wire::Type::call, .flags = wire::flag::stream, .id = 2, .a = 10}, "chaos.pour", size));
    std::uint64_t bytes = 0;
    for (int outcomes = 0; outcomes < 2;) {
        const auto frame = client.receive();
        outcomes += frame.header.type == wire::Type::outcome ? 1 : 0;
        if (frame.header.type == wire::Type::chunk) bytes += frame.payload.size();
    }
    EXPECT_EQ(bytes, (poured_mib + 64) * MiB);
}

TEST_F(Streaming, AStreamThatIsReadAsItComesIsWhole) {
    auto client = service_.client();
    const auto id = client.submit({.target = "chaos.pour", .body = wire::bytes_of("100000000"), .stream = true});
    ASSERT_TRUE(id);
    std::uint64_t bytes = 0;
    while (client.outstanding() > 0) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        if (const auto* const piece = std::get_if<Piece>(&**event)) bytes += piece->bytes.size();
    }
    EXPECT_EQ(bytes, 100'000'000U);
}

// A program whose output goes nowhere holds its method too.
TEST_F(Streaming, ACommandThatIsStoppedHoldsItsMethod) {
    Program running{service_.command({"call", "ledger.pour", std::to_string(poured_mib)})};
    ASSERT_TRUE(eventually([&] { return !ledger_.lines().empty(); }));
    running.signal(SIGSTOP);
    Load load{service_.socket()};
    std::size_t before = 0;
    ASSERT_TRUE(eventually([&] {
        before = ledger_.lines().size();
        load.await(1000);
        return ledger_.lines().size() == before;
    }));
    EXPECT_EQ(load.stop(), "");
    running.signal(SIGCONT);
    running.signal(SIGINT);
    EXPECT_EQ(running.wait().code, 8);
    expect_next_call_is_served();
}

}  // namespace
}  // namespace caisson::test
