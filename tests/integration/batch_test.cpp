// SPDX-License-Identifier: Apache-2.0
/// Many calls in one batch: each item has its own outcome, a crash costs the one that ran, what was finished keeps its
/// result, and none runs twice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/raw_client.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"
#include "wire/records.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::vector<std::string> numbered(int items, const std::string& prefix = "item-") {
    std::vector<std::string> bodies;
    for (int i = 0; i < items; ++i) bodies.push_back(prefix + std::to_string(i));
    return bodies;
}

class Batching : public testing::Test {
   protected:
    explicit Batching(const char* fixture = "ledger") : ledger_{fixture} {}
    /// Nothing of the ledger stands there twice.
    void expect_no_start_twice() const {
        for (const auto& [line, times] : ledger_.counts()) EXPECT_EQ(times, 1) << line;
    }
    /// Quick ones, so that workers are given many items at a time.
    void warm_up() {
        Ends ends{client_};
        ends.submit({.target = "ledger.note"}, numbered(1000, "warm-"));
        ends.take_all();
        ASSERT_EQ(ends.count()["ok"], 1000);
    }

    Ledger ledger_;
    Service service_{{.pools = ledger_.pool("ledger",
                                            "workers = 2\nstop.grace = \"100ms\"\npoison.crashes = 0\n"
                                            "restart = { intensity = 1000, call_crashes = 10000, "
                                            "backoff = { min = \"1ms\", max = \"10ms\" } }\n") +
                               "[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() +
                               "\"\n[pool.math]\nworkers = 2\n"}};
    Client client_ = service_.client();
};

/// Each with a plugin that is called for each item, and with one that takes many at once.
class Batches : public Batching, public testing::WithParamInterface<const char*> {
   protected:
    Batches() : Batching{GetParam()} {}
};
INSTANTIATE_TEST_SUITE_P(Plugins, Batches, testing::Values("ledger", "ledger_items"),
                         [](const auto& each) { return std::string{each.param}; });

TEST_P(Batches, EachItemHasItsOwnResult) {
    Ends ends{client_};
    const auto batch = ends.submit({.target = "math.square"}, {"1", "2", "3", "4", "5"});
    ends.take_all();
    for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(ends.of(batch, i), "ok " + std::to_string((i + 1) * (i + 1)));
}

TEST_P(Batches, OfTheLargestNumberOfItems) {
    Ends ends{client_};
    const auto first = ends.submit({.target = "ledger.note"}, numbered(4096));
    ends.take_all();
    for (std::uint32_t i = 0; i < 4096; ++i) ASSERT_EQ(ends.of(first, i), "ok item-" + std::to_string(i));
    expect_no_start_twice();
    EXPECT_THAT(ledger_.lines(), SizeIs(4096));
}

TEST_P(Batches, ACrashInTheMiddleFailsOnlyTheItemThatRan) {
    warm_up();
    for (const std::string how : {"segv", "die", "exit"}) {
        Ends ends{client_};
        std::vector<std::string> bodies;
        for (int i = 0; i < 300; ++i)
            bodies.push_back(how + "-" + std::to_string(i) + (i % 50 == 25 ? " 255 " + how : ""));
        const auto batch = ends.submit({.target = "ledger.try"}, bodies);
        ends.take_all();
        EXPECT_EQ(ends.size(), 300U);
        const auto crash = "crashed " + std::string{how == "segv"  ? "signaled SIGSEGV"
                                                    : how == "die" ? "signaled SIGKILL"
                                                                   : "exited 0"};
        for (std::uint32_t i = 0; i < 300; ++i)
            EXPECT_EQ(ends.of(batch, i), i % 50 == 25 ? crash : "ok " + how + "-" + std::to_string(i));
    }
    expect_no_start_twice();
    EXPECT_THAT(ledger_.lines(), SizeIs(1000 + 3 * 300));
}

TEST_P(Batches, EveryItemMayCrash) {
    Ends ends{client_};
    std::vector<std::string> bodies;
    for (int i = 0; i < 100; ++i) bodies.push_back(std::to_string(i) + " 255 die");
    ends.submit({.target = "ledger.try"}, bodies);
    ends.take_all();
    EXPECT_EQ(ends.count()["crashed signaled SIGKILL"], 100);
    expect_no_start_twice();
    EXPECT_THAT(ledger_.lines(), SizeIs(100));
}

TEST_P(Batches, AKillFromOutsideCostsOneItemPerWorkerAtMost) {
    warm_up();
    for (int round = 0; round < 20; ++round) {
        const auto victims = service_.workers("ledger");
        Ends ends{client_};
        const auto prefix = "round-" + std::to_string(round) + "-";
        for (int i = 0; i < 5; ++i)
            ends.submit({.target = "ledger.note"}, numbered(1000, prefix + std::to_string(i) + "-"));
        for (int i = 0; i <= round; ++i) ends.take_one();
        for (const pid_t victim : victims) ::kill(victim, SIGKILL);
        ends.take_all();
        const auto count = ends.count();
        EXPECT_EQ(ends.size(), 5000U);
        for (const auto& [how, times] : count) {
            if (how == "ok") continue;
            EXPECT_EQ(how, "crashed signaled SIGKILL");
            EXPECT_LE(times, 2);
        }
        ASSERT_TRUE(eventually([&] { return service_.workers("ledger").size() == 2; }));
    }
    expect_no_start_twice();
}

TEST_P(Batches, AHungItemIsKilledAndTheOthersRun) {
    Ends ends{client_};
    auto bodies = numbered(200);
    bodies[60] = "hung 255 hang";
    const auto batch = ends.submit({.target = "ledger.try", .timeout = 1s}, bodies);
    ends.take_all();
    EXPECT_EQ(ends.of(batch, 60), "timed_out running killed");
    EXPECT_EQ(ends.count()["ok"], 199);
    expect_no_start_twice();
}

TEST_P(Batches, ADeadlineEndsWhatHasNotRun) {
    Ends ends{client_};
    ASSERT_EQ(service_.run({"resize", "ledger", "1"}).code, 0);
    ASSERT_TRUE(eventually([&] { return service_.workers("ledger").size() == 1; }));
    auto bodies = numbered(2000);
    bodies[3] = "waits 255 wait";
    const auto batch = ends.submit({.target = "ledger.try", .timeout = 500ms}, bodies);
    ends.take_all();
    EXPECT_EQ(ends.size(), 2000U);
    EXPECT_EQ(ends.of(batch, 3), "timed_out running");
    for (std::uint32_t i : {0U, 1U, 2U}) EXPECT_EQ(ends.of(batch, i), "ok item-" + std::to_string(i));
    EXPECT_EQ(ends.of(batch, 1999), "timed_out waiting");
    EXPECT_EQ(ends.count()["timed_out waiting"], 1996);
    EXPECT_THAT(ledger_.lines(), SizeIs(4));
}

TEST_P(Batches, ACancelEndsWhatIsLeftOfIt) {
    Ends ends{client_};
    auto bodies = numbered(3000);
    bodies[5] = bodies[6] = "waits 255 wait";
    const auto batch = ends.submit({.target = "ledger.try", .timeout = 0ms}, bodies);
    ASSERT_TRUE(client_.flush());
    ASSERT_TRUE(eventually([&] { return ledger_.counts()["waits 1"] == 2; }));
    client_.cancel(batch);
    ends.take_all();
    EXPECT_EQ(ends.size(), 3000U);
    // Those that were done just before may count as either.
    auto count = ends.count();
    EXPECT_GE(count["cancelled running"], 2);
    EXPECT_EQ(ledger_.lines().size(), static_cast<std::size_t>(count["ok"] + count["cancelled running"]));
    EXPECT_EQ(count["cancelled waiting"] + count["ok"] + count["cancelled running"], 3000)
        << testing::PrintToString(count);
    EXPECT_EQ(call(client_, "ledger.note", "after").output, "after");
}

// Also in the moment in which the results of those before it have not been read yet.
TEST_P(Batches, ACancelReachesTheItemThatRuns) {
    ASSERT_EQ(service_.run({"resize", "ledger", "1"}).code, 0);
    ASSERT_TRUE(eventually([&] { return service_.workers("ledger").size() == 1; }));
    warm_up();
    for (int round = 0; round < 50; ++round) {
        Ends ends{client_};
        const auto before = std::filesystem::file_size(ledger_.path());
        const auto batch = ends.submit({.target = "ledger.try", .timeout = 0ms}, {"a", "b", "c", "d 255 wait", "e"});
        ASSERT_TRUE(client_.flush());
        constexpr auto lines_bytes = 4 * std::string_view{"a 1\n"}.size();
        const auto until = std::chrono::steady_clock::now() + patience;
        while (std::filesystem::file_size(ledger_.path()) < before + lines_bytes)  // at once, not in a few ms
            ASSERT_LT(std::chrono::steady_clock::now(), until);
        client_.cancel(batch);
        ends.take_all();
        EXPECT_EQ(ends.of(batch, 3), "cancelled running") << "round " << round;
    }
}

TEST_P(Batches, OfAClientThatGoesAreCancelled) {
    {
        auto client = service_.client();
        Ends ends{client};
        auto bodies = numbered(1000);
        bodies[0] = bodies[1] = "waits 255 wait";
        ends.submit({.target = "ledger.try", .timeout = 0ms}, bodies);
        ASSERT_TRUE(client.flush());
        ASSERT_TRUE(eventually([&] { return ledger_.counts()["waits 1"] == 2; }));
    }
    ASSERT_TRUE(eventually([&] {
        const auto pool = service_.pool("ledger");
        return pool.at("running") == 0 && pool.at("queued") == 0;
    }));
    EXPECT_EQ(service_.pool("ledger").at("calls").at("cancelled"), 1000);
    EXPECT_THAT(ledger_.lines(), SizeIs(2));
}

TEST_P(Batches, OfAClientThatGoesRunOnIfItSaysSo) {
    const Gate one;
    const Gate other;
    {
        auto client = service_.client();
        Ends ends{client};
        ends.submit({.target = "ledger.gate", .keep = true}, {one.path(), other.path()});
        ends.submit({.target = "ledger.note", .keep = true}, numbered(1000));
        ASSERT_TRUE(client.flush());
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("running") == 2; }));
        ASSERT_TRUE(eventually([&] { return service_.pool("ledger").at("queued") == 1000; }));
    }
    one.open("");
    other.open("");
    ASSERT_TRUE(eventually([&] { return ledger_.lines().size() == 1000; }));
    expect_no_start_twice();
    EXPECT_EQ(service_.pool("ledger").at("calls").at("cancelled"), 0);
}

TEST_P(Batches, ItemsWithLargeOutputs) {
    Ends ends{client_};
    const auto batch = ends.submit({.target = "chaos.pour"}, {"10", "100000", "10", "3000000", "0", "65536", "65537"});
    ends.take_all();
    const std::vector<std::size_t> sizes{10, 100'000, 10, 3'000'000, 0, 65'536, 65'537};
    for (std::uint32_t i = 0; i < sizes.size(); ++i) {
        const auto& result = ends.result(batch, i);
        EXPECT_EQ(result.outcome, Outcome::ok) << result.json;
        EXPECT_EQ(result.bytes().size(), sizes[i]);
        EXPECT_EQ(result.bytes().find_first_not_of('c'), std::string_view::npos);
    }
}

TEST_P(Batches, ManyItemsWithLargeOutputsLeaveNoDescriptorBehind) {
    const auto supervisor = open_descriptors(service_.pid());
    const auto worker = open_descriptors(service_.workers("chaos").at(0));
    {
        auto client = service_.client();
        Ends ends{client};
        ends.submit({.target = "chaos.pour"}, std::vector<std::string>(300, "70000"));
        ends.take_all();
        EXPECT_EQ(ends.count()["ok"], 300);
    }
    EXPECT_TRUE(eventually([&] { return open_descriptors(service_.pid()) == supervisor; }));
    EXPECT_EQ(open_descriptors(service_.workers("chaos").at(0)), worker);
}

TEST_P(Batches, ToAPoolOrMethodThatIsNotThereAreRefusedAsAWhole) {
    Ends ends{client_};
    const auto method = ends.submit({.target = "ledger.nosuch"}, {"a", "b"});
    const auto pool = ends.submit({.target = "nosuch.note"}, {"a", "b", "c"});
    ends.take_all();
    EXPECT_EQ(ends.of(method, 1), "refused");
    EXPECT_EQ(ends.of(pool, 2), "refused");
    EXPECT_EQ(ends.size(), 5U);
}

TEST_P(Batches, FailuresOfItemsAreTheirOwn) {
    Ends ends{client_};
    const auto batch = ends.submit({.target = "math.square"}, {"2", "no number", "3"});
    ends.take_all();
    EXPECT_EQ(ends.of(batch, 0), "ok 4");
    EXPECT_EQ(ends.of(batch, 1), "failed invalid_argument");
    EXPECT_EQ(ends.of(batch, 2), "ok 9");
}

// ---- broken ones ----------------------------------------------------------------------------------------------------

wire::Buffer records_of(const std::vector<std::string>& bodies) {
    wire::Buffer records;
    for (const auto& body : bodies) wire::append_record(records, wire::bytes_of(body));
    return records;
}

class BrokenBatches : public Batching {
   protected:
    static constexpr wire::Header header{.type = wire::Type::batch, .id = 1, .a = 11};
    static constexpr std::string_view target = "math.square";

    /// The session ends for it, and nobody else notices.
    void expect_session_ends(std::string_view body, std::string_view why, wire::Header how = header) {
        const RawClient raw{service_.socket()};
        ASSERT_TRUE(raw.enters());
        ASSERT_TRUE(raw.send(how, target, body));
        EXPECT_THAT(raw.read_to_end(), HasSubstr(why));
        EXPECT_EQ(call(client_, "math.square", "7").output, "49");
    }
};

TEST_F(BrokenBatches, WithoutItems) { expect_session_ends("", "a batch that is no sequence of records"); }

TEST_F(BrokenBatches, CutOffAnywhere) {
    const auto whole = records_of({"12", "7", "3"});
    const auto text = wire::Frame::text(whole);
    for (std::size_t size = 1; size < text.size(); ++size)
        if (size != 6 && size != 11) expect_session_ends(text.substr(0, size), "no sequence of records");
}

TEST_F(BrokenBatches, ARecordThatIsSaidToBeHuge) {
    expect_session_ends(std::string{"\xff\xff\xff\xff", 4} + "1", "no sequence of records");
}

TEST_F(BrokenBatches, DetachedWithoutADescriptor) {
    auto detached = header;
    detached.flags = wire::flag::detached;
    expect_session_ends(std::string(8, '\1'), "memfd", detached);
}

TEST_F(BrokenBatches, OfMoreItemsThanTheBoundAreRefusedByItsName) {
    const RawClient raw{service_.socket()};
    ASSERT_TRUE(raw.hello());
    const auto records = records_of(std::vector<std::string>(4097, "1"));
    ASSERT_TRUE(raw.send(header, target, wire::Frame::text(records)));
    EXPECT_EQ(raw.outcome().at("bound"), "max_batch_items");
}

TEST_F(BrokenBatches, OfMoreBytesThanTheBoundAreRefusedByItsName) {
    const RawClient raw{service_.socket()};
    ASSERT_TRUE(raw.hello());
    const auto records = records_of({std::string(1024 * 1024 + 4096 * 4, '1')});
    ASSERT_TRUE(raw.send(header, target, wire::Frame::text(records)));
    EXPECT_EQ(raw.outcome().at("bound"), "max_batch_bytes");
}

}  // namespace
}  // namespace caisson::test
