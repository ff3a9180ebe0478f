// SPDX-License-Identifier: Apache-2.0
/// Clients that want more than workers can do: they are refused by a bound's name or wait, as configured, and the
/// memory of the supervisor stays as it is. CAISSON_FLOOD_SECONDS makes the floods longer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

constexpr std::uint64_t MiB = 1024 * 1024;

#if defined(CAISSON_SANITIZED)
constexpr std::uint64_t allowed_growth = 512 * MiB;  // a sanitizer keeps what was freed
#else
constexpr std::uint64_t allowed_growth = 8 * MiB;
#endif

class BackPressure : public testing::Test {
   protected:
    void fill(const std::string& pool) {
        blocked_.submit({.target = pool + ".gate", .body = wire::bytes_of(gate_path_), .timeout = 0ms});
        ASSERT_TRUE(blocker_.flush());
        service_.await_running(pool, 1);
    }
    void await_queued(const char* pool, std::size_t calls) const {
        ASSERT_TRUE(eventually([&] { return service_.pool(pool).at("queued") == calls; }))
            << service_.pool(pool).dump();
    }
    void open_gate() {
        gate_.open("");
        blocked_.take_all();
    }

    Ledger ledger_;
    Service service_{{.pools = ledger_.pool("few", "workers = 1\nqueue = { calls = 10 }\n") +
                               ledger_.pool("small", "workers = 1\nqueue = { bytes = \"64KiB\" }\n") +
                               ledger_.pool("patient", "workers = 1\nqueue = { calls = 10, full = \"wait\" }\n") +
                               "[pool.math]\nworkers = 1\n[pool.math.queue]\ncalls = 1000\n"}};
    Gate gate_;
    std::string gate_path_ = gate_.path();
    Client blocker_ = service_.client();
    Ends blocked_{blocker_};
};

TEST_F(BackPressure, AFullQueueRefusesByTheNameOfItsBound) {
    fill("few");
    auto client = service_.client();
    Ends ends{client};
    for (int i = 0; i < 15; ++i) ends.submit({.target = "few.note", .body = wire::bytes_of(std::to_string(i))});
    for (int i = 0; i < 5; ++i) ends.take_one();
    EXPECT_EQ(ends.count()["refused queue.calls"], 5);
    open_gate();
    ends.take_all();
    EXPECT_EQ(ends.count()["ok"], 10);
}

TEST_F(BackPressure, AQueueFullOfBytesRefusesByTheNameOfItsBound) {
    fill("small");
    auto client = service_.client();
    Ends ends{client};
    const std::string body(30'000, 'x');
    for (int i = 0; i < 4; ++i) ends.submit({.target = "small.try", .body = wire::bytes_of(body)});
    for (int i = 0; i < 2; ++i) ends.take_one();
    EXPECT_EQ(ends.count()["refused queue.bytes"], 2);
    // What is in a memfd counts with its number only.
    const auto large = "a\n" + std::string(100'000, 'x');
    const auto memory = ends.submit({.target = "small.try", .body = wire::bytes_of(large)});
    open_gate();
    ends.take_all();
    EXPECT_EQ(ends.of(memory), "ok a");
}

TEST_F(BackPressure, ABatchThatDoesNotFitIsRefusedAsAWhole) {
    auto client = service_.client();
    for (const auto* const target : {"few.note", "patient.note"}) {
        Ends ends{client};
        ends.submit({.target = target}, std::vector<std::string>(100, "x"));
        ends.take_all();
        EXPECT_EQ(ends.count()["refused queue.calls"], 100) << "it can never fit";
    }
}

TEST_F(BackPressure, AQueueThatLetsCallersWaitRefusesNobody) {
    fill("patient");
    auto client = service_.client();
    auto other = service_.client();
    Ends ends{client};
    Ends others{other};
    for (int i = 0; i < 1000; ++i) {
        ends.submit({.target = "patient.note", .body = wire::bytes_of("a" + std::to_string(i))});
        others.submit({.target = "patient.note", .body = wire::bytes_of("b" + std::to_string(i))});
    }
    for (int i = 0; i < 20; ++i) others.submit({.target = "patient.note"}, {"c", "c", "c", "c", "c"});
    ASSERT_TRUE(client.flush());
    ASSERT_TRUE(other.flush());
    await_queued("patient", 10);
    // Another session and another pool go on meanwhile.
    auto bystander = service_.client();
    EXPECT_EQ(call(bystander, "math.square", "7").output, "49");
    open_gate();
    ends.take_all();
    others.take_all();
    EXPECT_EQ(ends.count()["ok"], 1000);
    EXPECT_EQ(others.count()["ok"], 1100);
    EXPECT_EQ(ledger_.lines().size(), 2100U);
}

TEST_F(BackPressure, ACancelOfACallThatWaitsForTheQueueIsHeardWhenThereIsRoom) {
    fill("patient");
    auto client = service_.client();
    Ends ends{client};
    std::vector<std::uint64_t> calls;
    for (int i = 0; i < 20; ++i) calls.push_back(ends.submit({.target = "patient.note", .body = wire::bytes_of("x")}));
    ASSERT_TRUE(client.flush());
    await_queued("patient", 10);
    for (const auto id : calls) client.cancel(id);
    ASSERT_TRUE(client.flush());
    open_gate();
    ends.take_all();
    EXPECT_EQ(ends.size(), 20U);
    const auto count = ends.count();
    for (const auto& [how, times] : count)
        EXPECT_TRUE(how == "ok" || how == "cancelled waiting" || how == "cancelled running") << how << ' ' << times;
}

TEST_F(BackPressure, AClientThatGoesWhileItWaitsForTheQueueLeavesNothingBehind) {
    fill("patient");
    {
        auto client = service_.client();
        Ends ends{client};
        for (int i = 0; i < 100; ++i) ends.submit({.target = "patient.note", .body = wire::bytes_of("x")});
        ASSERT_TRUE(client.flush());
        await_queued("patient", 10);
    }
    await_queued("patient", 0);
    open_gate();
    auto client = service_.client();
    EXPECT_EQ(call(client, "patient.note", "y").output, "y");
    EXPECT_THAT(ledger_.lines(), testing::ElementsAre("y"));
}

// What is to be kept is read and done, however much of it was still on its way.
TEST_F(BackPressure, AClientThatGoesWhileItWaitsForTheQueueLeavesWhatItAskedToKeep) {
    fill("patient");
    {
        auto client = service_.client();
        Ends ends{client};
        for (int i = 0; i < 100; ++i)
            ends.submit({.target = "patient.note", .body = wire::bytes_of("kept"), .keep = i % 2 == 0});
        ASSERT_TRUE(client.flush());
        await_queued("patient", 10);
    }
    open_gate();
    ASSERT_TRUE(eventually([&] { return service_.pool("patient").at("calls").at("ok") == 51; }));
    EXPECT_EQ(ledger_.lines().size(), 50U);
}

TEST_F(BackPressure, AStopWhileOneWaitsForTheQueueEndsItToo) {
    fill("patient");
    auto client = service_.client();
    Ends ends{client};
    for (int i = 0; i < 20; ++i) ends.submit({.target = "patient.note", .body = wire::bytes_of("x")});
    ASSERT_TRUE(client.flush());
    await_queued("patient", 10);
    EXPECT_EQ(service_.run({"stop", "--now"}).code, 0);
    ends.take_all();
    EXPECT_EQ(ends.size(), 20U);
    EXPECT_EQ(service_.wait().code, 0);
}

// ---- floods ---------------------------------------------------------------------------------------------------------

std::chrono::seconds flood_length() {
    const char* const wanted = std::getenv("CAISSON_FLOOD_SECONDS");
    return std::chrono::seconds{wanted != nullptr ? std::atoi(wanted) : 8};
}

struct Flood {
    std::uint64_t asked = 0;
    std::map<std::string, std::uint64_t> ended;

    void take(const Event& event) {
        if (const auto* const done = std::get_if<Done>(&event)) ended[summary(done->result)] += done->count;
        if (const auto* const items = std::get_if<Items>(&event)) ended["ok"] += items->outputs.size();
    }
    [[nodiscard]] std::uint64_t answered() const {
        std::uint64_t sum = 0;
        for (const auto& [how, times] : ended) sum += times;
        return sum;
    }
};

class Floods : public BackPressure {
   protected:
    /// Asks without a pause, in the way of `submit`; what has come is taken in between, or after all.
    template <class Submit>
    Flood flood(Client& client, Submit&& submit) {
        Flood flood;
        const auto begin = std::chrono::steady_clock::now();
        const auto warm = begin + flood_length() / 4;
        const auto end = begin + flood_length();
        std::uint64_t settled = 0;
        while (std::chrono::steady_clock::now() < end) {
            flood.asked += submit(client);
            while (true) {
                const auto event = client.next(0ms);
                if (!event) throw std::runtime_error(event.error().message);
                if (!*event) break;
                flood.take(**event);
            }
            if (settled == 0 && std::chrono::steady_clock::now() > warm) settled = resident_bytes(service_.pid());
        }
        EXPECT_LT(resident_bytes(service_.pid()), settled + allowed_growth);
        while (client.outstanding() > 0) {
            const auto event = client.next(patience);
            if (!event || !*event) throw std::runtime_error("a call without an outcome");
            flood.take(**event);
        }
        EXPECT_LT(resident_bytes(service_.pid()), settled + allowed_growth);
        EXPECT_EQ(flood.answered(), flood.asked);
        for (const auto& [how, times] : flood.ended) std::printf("  %-24s %10lu\n", how.c_str(), times);
        EXPECT_GT(flood.ended["ok"], 0U);
        return flood;
    }
};

TEST_F(Floods, OfCallsThatAreRefused) {
    auto client = service_.client();
    const auto result = flood(client, [](Client& to) {
        for (int i = 0; i < 1000; ++i)
            if (!to.submit({.target = "math.square", .body = wire::bytes_of("7")})) throw std::runtime_error("lost");
        return 1000U;
    });
    EXPECT_GT(result.ended.at("refused queue.calls"), 0U);
    EXPECT_EQ(result.ended.size(), 2U);
}

TEST_F(Floods, OfCallsThatWait) {
    auto client = service_.client();
    const auto result = flood(client, [](Client& to) {
        unsigned asked = 0;
        for (; asked < 1000 && to.outstanding() < 200'000; ++asked)
            if (!to.submit({.target = "patient.note", .body = wire::bytes_of("7")})) throw std::runtime_error("lost");
        return asked;
    });
    EXPECT_EQ(result.ended.size(), 1U);
    EXPECT_EQ(ledger_.lines().size(), result.asked);
}

TEST_F(Floods, OfBatches) {
    auto client = service_.client();
    Batch batch;
    while (batch.size() < 500) ASSERT_TRUE(batch.add(wire::bytes_of("7")));
    const auto result = flood(client, [&](Client& to) {
        if (!to.submit({.target = "math.square"}, batch)) throw std::runtime_error("lost");
        return batch.size();
    });
    for (const auto& [how, times] : result.ended)
        EXPECT_TRUE(how == "ok" || how == "refused queue.calls" || how == "refused session_calls") << how << times;
}

}  // namespace
}  // namespace caisson::test
