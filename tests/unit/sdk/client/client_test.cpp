// SPDX-License-Identifier: Apache-2.0
/// Sessions against a service that does what the test says.
#include "client/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <vector>

#include "support/fake_service.hpp"

namespace caisson {
namespace {

using test::FakeService;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Kind = ClientError::Kind;
using Call = FakeService::Call;
using Session = FakeService::Session;

constexpr auto patience = 5s;

Client connect(const FakeService& service) {
    auto client = Client::connect(service.socket(), patience);
    EXPECT_TRUE(client) << client.error().message;
    return std::move(*client);
}

// The next event, which must come.
Event next(Client& client) {
    auto event = client.next(patience);
    EXPECT_TRUE(event && *event);
    return event && *event ? std::move(**event) : Event{Done{}};
}

FakeService::Script echo() {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) { session.ok(call.id, call.body); };
    return script;
}

TEST(Client, ACallReturnsItsOutput) {
    FakeService service{echo()};
    auto client = connect(service);
    const auto result = client.call({.target = "math.square", .body = wire::bytes_of("49")});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->outcome, Outcome::ok);
    EXPECT_EQ(result->output, "49");
    EXPECT_EQ(result->encoding, BodyEncoding::json);
    EXPECT_EQ(client.outstanding(), 0U);
}

TEST(Client, ACallCarriesPriorityRetriesAndKeep) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, std::to_string(call.priority) + " " + std::to_string(call.attempt) + " " +
                                std::to_string(call.flags));
    };
    FakeService service{script};
    auto client = connect(service);
    EXPECT_EQ(client.call({.target = "a.b"})->output, "0 0 0");
    EXPECT_EQ(client.call({.target = "a.b", .priority = -10, .retries = 0})->output, "-10 1 0");
    EXPECT_EQ(client.call({.target = "a.b", .priority = 10, .retries = 100, .keep = true})->output, "10 101 4");
}

TEST(Client, AResultSaysHowOftenItWasStarted) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        if (call.body == "bad") return session.end(call.id, wire::OutcomeKind::failed, "{}", 3);
        session.ok(call.id, "", wire::Encoding::json, 2);
    };
    FakeService service{script};
    auto client = connect(service);
    EXPECT_EQ(client.call({.target = "a.b"})->attempts, 2U);
    EXPECT_EQ(client.call({.target = "a.b", .body = wire::bytes_of("bad")})->attempts, 3U);
}

TEST(Client, ARequestThatCannotBeIsInvalidAndNotSent) {
    FakeService service{echo()};
    auto client = connect(service);
    const auto invalid = [&](const CallRequest& request, const std::string& said) {
        const auto call = client.submit(request);
        ASSERT_FALSE(call);
        EXPECT_EQ(call.error().kind, Kind::invalid);
        EXPECT_EQ(call.error().message, said);
    };
    invalid({.target = "a.b", .priority = 11}, "the priority is 11, and must be from -10 to 10");
    invalid({.target = "a.b", .priority = -11}, "the priority is -11, and must be from -10 to 10");
    invalid({.target = "a.b", .retries = 101}, "the number of retries is 101, and must be from 0 to 100");
    EXPECT_EQ(client.outstanding(), 0U);
    EXPECT_TRUE(client.call({.target = "a.b"}));
}

TEST(Client, ACallCarriesTargetParamsAndTimeout) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, call.target + "|" + call.params + "|" + std::to_string(call.time_ns));
    };
    FakeService service{script};
    auto client = connect(service);
    const auto output = [&](std::optional<std::chrono::milliseconds> timeout) {
        return client.call({.target = "a.b", .params = "{}", .timeout = timeout})->output;
    };
    EXPECT_EQ(output(std::nullopt), "a.b|{}|0");
    EXPECT_EQ(output(0ms), "a.b|{}|-1");
    EXPECT_EQ(output(1500ms), "a.b|{}|1500000000");
    EXPECT_EQ(output(std::chrono::milliseconds::max()), "a.b|{}|9223372036854000000");
}

TEST(Client, ManySubmittedCallsEndOnceEach) {
    FakeService service{echo()};
    auto client = connect(service);
    constexpr int calls = 10'000;
    std::vector<int> ended(calls + 1);
    for (int i = 0; i < calls; ++i)
        ASSERT_TRUE(client.submit({.target = "a.b", .body = wire::bytes_of(std::to_string(i))}));
    for (int i = 0; i < calls; ++i) {
        const auto done = std::get<Done>(next(client));
        ++ended.at(done.call);
        EXPECT_EQ(done.result.output, std::to_string(done.call - 1));
    }
    EXPECT_EQ(std::ranges::count(ended, 1), calls);
    EXPECT_EQ(client.outstanding(), 0U);
    const auto nothing = client.next(0ms);
    ASSERT_TRUE(nothing);
    EXPECT_FALSE(*nothing);
}

TEST(Client, ACallThatStreamsGetsPieces) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.chunk(call.id, "one ");
        session.progress(call.id, 500'000, "half");
        session.chunk(call.id, "two ");
        session.ok(call.id, "three");
    };
    FakeService service{script};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b", .stream = true}));
    EXPECT_EQ(std::get<Piece>(next(client)).bytes, "one ");
    const auto progress = std::get<Progress>(next(client));
    EXPECT_DOUBLE_EQ(progress.fraction, 0.5);
    EXPECT_EQ(progress.note, "half");
    EXPECT_EQ(std::get<Piece>(next(client)).bytes, "two ");
    EXPECT_EQ(std::get<Piece>(next(client)).bytes, "three");
    EXPECT_EQ(std::get<Done>(next(client)).result.output, "");
}

TEST(Client, WhoCallsAndWaitsDoesNotStream) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) { session.ok(call.id, std::to_string(call.flags)); };
    FakeService service{script};
    auto client = connect(service);
    EXPECT_EQ(client.call({.target = "a.b", .stream = true})->output, "0");
    ASSERT_TRUE(client.submit({.target = "a.b", .stream = true}));
    EXPECT_EQ(std::get<Piece>(next(client)).bytes, "2") << "flag::stream";
}

TEST(Client, PiecesThatWaitedForAnotherCallKeepTheirBytes) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        if (call.body == "stream") session.chunk(call.id, "a piece that is longer than a short string");
        session.ok(call.id, "end");
    };
    FakeService service{script};
    auto client = connect(service);
    const auto streaming = client.submit({.target = "a.b", .body = wire::bytes_of("stream"), .stream = true});
    ASSERT_TRUE(streaming);
    EXPECT_EQ(client.call({.target = "a.b"})->output, "end");
    EXPECT_EQ(client.outstanding(), 1U);
    const auto piece = std::get<Piece>(next(client));
    EXPECT_EQ(piece.call, *streaming);
    EXPECT_EQ(piece.bytes, "a piece that is longer than a short string");
    EXPECT_EQ(std::get<Piece>(next(client)).bytes, "end");
    EXPECT_EQ(std::get<Done>(next(client)).call, *streaming);
}

TEST(Client, AFailureBringsItsDocument) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.end(call.id, wire::OutcomeKind::crashed, R"({"outcome":"crashed","message":"SIGSEGV"})");
    };
    FakeService service{script};
    auto client = connect(service);
    const auto result = client.call({.target = "a.b"});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->outcome, Outcome::crashed);
    EXPECT_EQ(result->message, "SIGSEGV");
    EXPECT_EQ(nlohmann::json::parse(result->json)["outcome"], "crashed");
}

TEST(Client, WhatIsOverABoundIsNotSentAndTheBoundIsNamed) {
    FakeService service{echo()};
    auto client = connect(service);
    const std::string body(wire::max_params_bytes + 1, 'x');
    const auto over = [&](const CallRequest& request, std::string_view bound) {
        const auto call = client.submit(request);
        ASSERT_FALSE(call);
        EXPECT_EQ(call.error().kind, Kind::too_large);
        EXPECT_THAT(call.error().message, HasSubstr(std::string{bound}));
    };
    over({.target = "a.b", .params = body}, "max_params_bytes");
    over({.target = std::string_view{body}.substr(0, wire::max_target_bytes + 1)}, "max_target_bytes");
    EXPECT_EQ(client.outstanding(), 0U);
    const auto largest = std::string_view{body}.substr(1);
    EXPECT_TRUE(client.call({.target = "a.b", .params = largest}));
}

TEST(Client, ACancelledCallEndsCancelled) {
    FakeService service{{}};
    auto client = connect(service);
    const auto call = client.submit({.target = "a.b"});
    ASSERT_TRUE(call);
    client.cancel(*call);
    client.cancel(*call + 1);  // nobody's: nothing is sent
    EXPECT_EQ(std::get<Done>(next(client)).result.outcome, Outcome::cancelled);
}

TEST(Client, WhenTheServiceGoesEveryCallEndsCrashedThenTheSessionIsLost) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        if (call.body == "first") session.ok(call.id, "done before");
        if (call.body == "last") session.close();
    };
    FakeService service{script};
    auto client = connect(service);
    for (const auto* body : {"first", "second", "last"})
        ASSERT_TRUE(client.submit({.target = "a.b", .body = wire::bytes_of(body)}));
    EXPECT_EQ(std::get<Done>(next(client)).result.output, "done before");
    for (std::uint64_t call = 2; call <= 3; ++call) {
        const auto done = std::get<Done>(next(client));
        EXPECT_EQ(done.call, call);
        EXPECT_EQ(done.result.outcome, Outcome::crashed);
        EXPECT_EQ(nlohmann::json::parse(done.result.json)["exit"]["kind"], "service_lost");
    }
    const auto lost = client.next(patience);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, Kind::lost);
    EXPECT_FALSE(client.submit({.target = "a.b"}));
    EXPECT_FALSE(client.request("{}", patience));
}

TEST(Client, ACallThatTheServiceDiesInReturnsCrashed) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call&) { session.goodbye(R"({"message":"stopping"})"); };
    FakeService service{script};
    auto client = connect(service);
    const auto result = client.call({.target = "a.b"});
    ASSERT_TRUE(result);
    EXPECT_EQ(result->outcome, Outcome::crashed);
    EXPECT_THAT(result->message, HasSubstr("stopping"));
}

TEST(Client, GarbageAndOutcomesForNobodyBreakTheSession) {
    for (const int kind : {0, 1, 2, 3, 4, 5}) {
        FakeService::Script script;
        script.on_call = [kind](Session& session, const Call& call) {
            if (kind == 0) session.raw(std::string(64, '\xFF'));
            if (kind == 1) session.ok(call.id.call + 7, "wrong call");
            if (kind == 3) session.chunk(call.id, "to a call that does not stream");
            if (kind == 4) session.run(call.id.call, 0, {"a call is no batch"});
            if (kind == 5) session.end(call.id.call, {1, 1}, wire::OutcomeKind::failed, "{}");
            if (kind == 2) session.end(call.id, static_cast<wire::OutcomeKind>(99), "{}");
        };
        FakeService service{script};
        auto client = connect(service);
        const auto result = client.call({.target = "a.b"});
        ASSERT_TRUE(result);
        EXPECT_EQ(result->outcome, Outcome::crashed);
        EXPECT_THAT(result->message, HasSubstr("broke the protocol"));
        EXPECT_EQ(client.next(0ms).error().kind, Kind::protocol);
    }
}

TEST(Client, RequestsAreAnsweredWhileCallsAreOut) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) { session.ok(call.id, "ok"); };
    script.on_request = [](Session& session, std::uint64_t id, const std::string& json) {
        session.reply(id, json, json.find("bad") != std::string::npos);
    };
    FakeService service{script};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b"}));
    const auto good = client.request(R"({"verb":"status"})", patience);
    ASSERT_TRUE(good);
    EXPECT_TRUE(good->ok);
    EXPECT_EQ(good->json, R"({"verb":"status"})");
    const auto bad = client.request(R"({"verb":"bad"})", patience);
    ASSERT_TRUE(bad);
    EXPECT_FALSE(bad->ok);
    EXPECT_EQ(std::get<Done>(next(client)).result.output, "ok");
}

TEST(Client, AnAnswerThatComesTooLateIsDropped) {
    std::atomic<int> requests = 0;
    std::uint64_t late = 0;  // used on the service's thread only
    FakeService::Script script;
    script.on_request = [&](Session& session, std::uint64_t id, const std::string&) {
        if (++requests == 1) {
            late = id;
            return;
        }
        session.reply(late, R"("late")");
        session.reply(id, R"("in time")");
    };
    FakeService service{script};
    auto client = connect(service);
    const auto first = client.request("{}", 10ms);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().kind, Kind::timeout);
    EXPECT_EQ(client.request("{}", patience)->json, R"("in time")");
}

TEST(Handshake, ARefusalSaysWhy) {
    FakeService::Script script;
    script.on_hello = [](Session& session) { session.goodbye(R"({"reason":"denied","message":"not for you"})"); };
    FakeService service{script};
    const auto client = Client::connect(service.socket(), patience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().kind, Kind::denied);
    EXPECT_THAT(client.error().message, HasSubstr("not for you"));
}

TEST(Handshake, AVersionThatWasNotOfferedIsRefused) {
    FakeService::Script script;
    script.on_hello = [](Session& session) { session.welcome(wire::version_max + 1U); };
    FakeService service{script};
    const auto client = Client::connect(service.socket(), patience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().kind, Kind::protocol);
}

TEST(Handshake, AnotherProtocolIsNamedAsSuch) {
    FakeService::Script script;
    script.on_hello = [](Session& session) { session.raw("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"); };
    FakeService service{script};
    const auto client = Client::connect(service.socket(), patience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().kind, Kind::protocol);
    EXPECT_THAT(client.error().message, HasSubstr("does not speak"));
}

}  // namespace
}  // namespace caisson
