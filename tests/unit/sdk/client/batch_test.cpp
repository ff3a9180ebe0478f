// SPDX-License-Identifier: Apache-2.0
/// Batches: many items in one frame, each with an end of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "client/client.hpp"
#include "support/fake_service.hpp"
#include "wire/records.hpp"

namespace caisson {
namespace {

using test::FakeService;
using testing::ElementsAre;
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

Event next(Client& client) {
    auto event = client.next(patience);
    EXPECT_TRUE(event && *event);
    return event && *event ? std::move(**event) : Event{Done{}};
}

Batch batch_of(std::size_t items) {
    Batch batch;
    for (std::size_t i = 0; i < items; ++i) EXPECT_TRUE(batch.add(wire::bytes_of(std::to_string(i))));
    return batch;
}

// Calls back once for each batch, when its last item is read.
FakeService::Script at_end_of_batch(std::function<void(Session&, std::uint64_t batch)> answer) {
    FakeService::Script script;
    script.on_call = [answer = std::move(answer)](Session& session, const Call& call) {
        if (call.id.item + 1 == call.batch_items) answer(session, call.id.call);
    };
    return script;
}

TEST(Batch, TakesItemsUpToItsBounds) {
    Batch batch;
    EXPECT_EQ(batch.size(), 0U);
    for (std::size_t i = 0; i < Batch::max_items; ++i) ASSERT_TRUE(batch.add({}));
    EXPECT_FALSE(batch.add({}));
    EXPECT_EQ(batch.size(), Batch::max_items);
    batch.clear();
    EXPECT_EQ(batch.size(), 0U);
    EXPECT_TRUE(batch.bytes().empty());

    const std::string large(Batch::max_bytes - wire::record_head_bytes, 'x');
    EXPECT_FALSE(batch.add(wire::bytes_of(large + "y")));
    EXPECT_TRUE(batch.add(wire::bytes_of(large)));
    EXPECT_FALSE(batch.add({})) << "there is no room for its head";
    EXPECT_EQ(batch.bytes().size(), Batch::max_bytes);
}

TEST(Batch, ItemsShareTargetParamsAndOptions) {
    std::vector<Call> calls;
    FakeService::Script script;
    script.on_call = [&](Session& session, const Call& call) {
        calls.push_back(call);
        session.ok(call.id, call.body);
    };
    FakeService service{script};
    auto client = connect(service);
    const CallRequest request{
        .target = "a.b", .params = "{}", .timeout = 1ms, .priority = 3, .retries = 2, .keep = true};
    const auto id = client.submit(request, batch_of(2));
    ASSERT_TRUE(id);
    EXPECT_EQ(client.outstanding(), 2U);
    for (std::uint32_t item = 0; item < 2; ++item) {
        const auto items = std::get<Items>(next(client));
        EXPECT_EQ(items.call, *id);
        EXPECT_EQ(items.first, item);
        EXPECT_THAT(items.outputs, ElementsAre(std::to_string(item)));
    }
    EXPECT_EQ(client.outstanding(), 0U);
    ASSERT_EQ(calls.size(), 2U);
    EXPECT_EQ(calls[1].target, "a.b");
    EXPECT_EQ(calls[1].params, "{}");
    EXPECT_EQ(calls[1].time_ns, 1'000'000);
    EXPECT_EQ(calls[1].priority, 3);
    EXPECT_EQ(calls[1].attempt, 3);
    EXPECT_EQ(calls[1].flags, wire::flag::keep);
}

TEST(Batch, AnEmptyOneIsInvalid) {
    FakeService service{{}};
    auto client = connect(service);
    const auto call = client.submit({.target = "a.b"}, Batch{});
    ASSERT_FALSE(call);
    EXPECT_EQ(call.error().kind, Kind::invalid);
    EXPECT_EQ(client.submit({.target = "a.b", .priority = 99}, batch_of(1)).error().kind, Kind::invalid);
}

TEST(Batch, RunsAndRangesTellOfEachItemOnce) {
    FakeService service{at_end_of_batch([](Session& session, std::uint64_t batch) {
        session.run(batch, 5, {"five", "", "seven"});
        session.end(batch, {.first = 0, .count = 4}, wire::OutcomeKind::refused, R"({"message":"full"})");
        session.end({batch, 4}, wire::OutcomeKind::crashed, R"({"message":"SIGSEGV"})");
        session.run(batch, 8, {"eight", "nine"});
    })};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b"}, batch_of(10)));
    EXPECT_EQ(client.outstanding(), 10U);
    auto items = std::get<Items>(next(client));
    EXPECT_EQ(items.first, 5U);
    EXPECT_THAT(items.outputs, ElementsAre("five", "", "seven"));
    EXPECT_EQ(client.outstanding(), 7U);
    auto done = std::get<Done>(next(client));
    EXPECT_EQ(done.first, 0U);
    EXPECT_EQ(done.count, 4U);
    EXPECT_EQ(done.result.outcome, Outcome::refused);
    EXPECT_EQ(done.result.message, "full");
    EXPECT_EQ(client.outstanding(), 3U);
    done = std::get<Done>(next(client));
    EXPECT_EQ(done.first, 4U);
    EXPECT_EQ(done.count, 1U);
    items = std::get<Items>(next(client));
    EXPECT_THAT(items.outputs, ElementsAre("eight", "nine"));
    EXPECT_EQ(client.outstanding(), 0U);
}

TEST(Batch, ItemsThatWaitedForAnotherCallKeepTheirBytes) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        if (call.batch_items == 0) return session.ok(call.id, "call");
        if (call.id.item == 1)
            session.run(call.id.call, 0, {"an output that is longer than a short string is", "", "second"});
    };
    FakeService service{script};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b"}, batch_of(3)));
    EXPECT_EQ(client.call({.target = "a.b"})->output, "call");
    EXPECT_EQ(client.outstanding(), 3U);
    const auto items = std::get<Items>(next(client));
    EXPECT_THAT(items.outputs, ElementsAre("an output that is longer than a short string is", "", "second"));
}

TEST(Batch, ManyBatchesEndItemByItem) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) { session.ok(call.id, call.body); };
    FakeService service{script};
    auto client = connect(service);
    std::map<std::uint64_t, std::vector<int>> ended;
    for (int i = 0; i < 50; ++i) {
        const auto id = client.submit({.target = "a.b"}, batch_of(100));
        ASSERT_TRUE(id);
        ended[*id].resize(100);
    }
    EXPECT_EQ(client.outstanding(), 5000U);
    while (client.outstanding() > 0) {
        const auto items = std::get<Items>(next(client));
        for (std::uint32_t i = 0; i < items.outputs.size(); ++i) ++ended.at(items.call).at(items.first + i);
    }
    for (const auto& [id, items] : ended) EXPECT_EQ(std::ranges::count(items, 1), 100) << id;
}

TEST(Batch, CancelEndsWhatIsLeft) {
    FakeService service{at_end_of_batch([](Session& session, std::uint64_t batch) { session.run(batch, 0, {"a"}); })};
    auto client = connect(service);
    const auto id = client.submit({.target = "a.b"}, batch_of(3));
    ASSERT_TRUE(id);
    EXPECT_EQ(std::get<Items>(next(client)).outputs.size(), 1U);
    client.cancel(*id);
    for (std::uint32_t item = 1; item < 3; ++item) {
        const auto done = std::get<Done>(next(client));
        EXPECT_EQ(done.first, item);
        EXPECT_EQ(done.result.outcome, Outcome::cancelled);
    }
    EXPECT_EQ(client.outstanding(), 0U);
}

TEST(Batch, WhenTheServiceGoesTheItemsThatAreLeftEndCrashed) {
    FakeService service{at_end_of_batch([](Session& session, std::uint64_t batch) {
        session.run(batch, 2, {"two", "three"});
        session.run(batch, 7, {"seven"});
        session.close();
    })};
    auto client = connect(service);
    const auto id = client.submit({.target = "a.b"}, batch_of(10));
    ASSERT_TRUE(id);
    EXPECT_EQ(std::get<Items>(next(client)).outputs.size(), 2U);
    EXPECT_EQ(std::get<Items>(next(client)).outputs.size(), 1U);
    using Range = std::pair<std::uint32_t, std::uint32_t>;
    for (const Range& expected : {Range{0, 2}, Range{4, 3}, Range{8, 2}}) {
        const auto done = std::get<Done>(next(client));
        EXPECT_EQ(Range(done.first, done.count), expected);
        EXPECT_EQ(done.result.outcome, Outcome::crashed);
        EXPECT_EQ(nlohmann::json::parse(done.result.json)["exit"]["kind"], "service_lost");
    }
    EXPECT_EQ(client.outstanding(), 0U);
    EXPECT_FALSE(client.next(patience));
}

// What the service says of a batch of three whose first item had its result; each must end the session.
struct Lie {
    const char* what;
    void (*tell)(Session&, std::uint64_t batch);
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.what; }

void raw_run(Session& session, std::uint64_t batch, std::string_view body) {
    wire::Buffer frame;
    wire::append_frame(frame, {.type = wire::Type::run, .id = batch, .a = 1}, {}, wire::bytes_of(body));
    session.raw(wire::Frame::text(frame));
}

class HostileBatch : public testing::TestWithParam<Lie> {};

TEST_P(HostileBatch, EndsTheSessionAndEachItemOnce) {
    FakeService service{at_end_of_batch([](Session& session, std::uint64_t batch) {
        session.run(batch, 0, {"zero"});
        GetParam().tell(session, batch);
    })};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b"}, batch_of(3)));
    EXPECT_EQ(std::get<Items>(next(client)).outputs.size(), 1U);
    const auto done = std::get<Done>(next(client));
    EXPECT_EQ(done.first, 1U);
    EXPECT_EQ(done.count, 2U);
    EXPECT_THAT(done.result.message, HasSubstr("broke the protocol"));
    const auto lost = client.next(patience);
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, Kind::protocol);
}

constexpr auto failed = wire::OutcomeKind::failed;

INSTANTIATE_TEST_SUITE_P(
    All, HostileBatch,
    testing::Values(
        Lie{"an item that has ended", [](Session& s, std::uint64_t batch) { s.run(batch, 0, {"again"}); }},
        Lie{"an item that ends twice at once",
            [](Session& s, std::uint64_t batch) { s.end(batch, {0, 2}, failed, "{}"); }},
        Lie{"an item beyond the last", [](Session& s, std::uint64_t batch) { s.run(batch, 3, {"x"}); }},
        Lie{"items up to beyond the last", [](Session& s, std::uint64_t batch) { s.run(batch, 2, {"x", "y"}); }},
        Lie{"an outcome beyond the last", [](Session& s, std::uint64_t batch) { s.end(batch, {3, 1}, failed, "{}"); }},
        Lie{"a range that wraps around",
            [](Session& s, std::uint64_t batch) {
                wire::Buffer frame;
                wire::append_frame(frame,
                                   {.type = wire::Type::outcome,
                                    .id = batch,
                                    .a = 1,
                                    .time_ns = wire::ItemRange{0xFFFFFFFF, 0xFFFFFFFF}.packed()},
                                   {});
                s.raw(wire::Frame::text(frame));
            }},
        Lie{"a run of no items", [](Session& s, std::uint64_t batch) { s.run(batch, 1, {}); }},
        Lie{"a record that is cut off",
            [](Session& s, std::uint64_t batch) { raw_run(s, batch, std::string_view{"\5\0\0\0abc", 7}); }},
        Lie{"half the head of a record",
            [](Session& s, std::uint64_t batch) { raw_run(s, batch, std::string_view{"\0\0\0\0\1\0", 6}); }},
        Lie{"a run for another batch", [](Session& s, std::uint64_t batch) { s.run(batch + 1, 1, {"x"}); }},
        Lie{"output in pieces", [](Session& s, std::uint64_t batch) { s.chunk(batch, "x"); }}));

}  // namespace
}  // namespace caisson
