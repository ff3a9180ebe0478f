// SPDX-License-Identifier: Apache-2.0
/// An input that keeps killing workers is refused, whoever sends it and however, until somebody clears it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/ends.hpp"
#include "support/ledger.hpp"
#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class Poison : public testing::Test {
   protected:
    std::string how(std::string_view target, std::string_view body, std::string_view params = {}) {
        auto client = service_.client();
        return summary(call(client, target, body, params));
    }
    void poison(std::string_view target, std::string_view body, std::string_view params = {}) {
        for (int i = 0; i < 3; ++i) ASSERT_EQ(how(target, body, params), "crashed signaled SIGSEGV");
    }
    [[nodiscard]] Json list() const { return service_.request({{"verb", "poison"}}).at("poison"); }

    Ledger ledger_;
    Service service_{
        {.pools = ledger_.pool("ledger", "workers = 2\nretry_backoff = { min = \"1ms\", max = \"1ms\" }\n") +
                  ledger_.pool("free", "workers = 1\npoison.crashes = 0\n") +
                  ledger_.pool(
                      "forgetful",
                      "workers = 1\npoison = { crashes = 2, window = \"100ms\" }\nrestart.call_crashes = 10000\n")}};
};

constexpr auto* refused = "refused poison.crashes";

TEST_F(Poison, IsRefusedAfterThreeWorkers) {
    poison("ledger.segv", "bad");
    auto client = service_.client();
    const auto result = call(client, "ledger.segv", "bad");
    EXPECT_EQ(summary(result), refused);
    const auto told = document(result);
    EXPECT_EQ(told.at("report"), service_.crashes().at(0).at("report"));
    EXPECT_FALSE(told.at("poison").get<std::string>().empty());
    EXPECT_THAT(ledger_.lines(), SizeIs(3));
}

TEST_F(Poison, IsThisInputOfThisMethodOfThisPoolAlone) {
    poison("ledger.segv", "bad");
    EXPECT_EQ(how("ledger.note", "bad"), "ok");
    EXPECT_EQ(how("ledger.segv", "bed"), "crashed signaled SIGSEGV");
    EXPECT_EQ(how("ledger.segv", "bad", R"({"a": 1})"), "crashed signaled SIGSEGV");
    EXPECT_EQ(how("free.segv", "bad"), "crashed signaled SIGSEGV");
    EXPECT_EQ(how("ledger.segv", "bad"), refused);
}

TEST_F(Poison, IsRefusedInABatchItemByItem) {
    poison("ledger.try", "bad 255 segv");
    auto client = service_.client();
    Ends ends{client};
    const auto batch = ends.submit({.target = "ledger.try"},
                                   {"bad 255 segv", "a", "bad 255 segv", "bad 255 segv", "b", "c", "bad 255 segv"});
    const auto only = ends.submit({.target = "ledger.try"}, {"bad 255 segv"});
    ends.take_all();
    EXPECT_EQ(ends.size(), 8U);
    for (const std::uint32_t i : {0U, 2U, 3U, 6U}) EXPECT_EQ(ends.of(batch, i), refused);
    EXPECT_EQ(ends.of(batch, 1), "ok a");
    EXPECT_EQ(ends.of(batch, 4), "ok b");
    EXPECT_EQ(ends.of(batch, 5), "ok c");
    EXPECT_EQ(ends.of(only), refused);
}

// Those that were accepted before the third crash may run, for they are accepted; what comes later is refused.
TEST_F(Poison, OfABatchCountsEachItem) {
    auto client = service_.client();
    Ends ends{client};
    ends.submit({.target = "ledger.try"}, {"bad 255 segv", "bad 255 segv", "bad 255 segv"});
    ends.take_all();
    EXPECT_EQ(ends.count()["crashed signaled SIGSEGV"], 3);
    EXPECT_EQ(how("ledger.try", "bad 255 segv"), refused);
}

TEST_F(Poison, EndsTheRetriesOfItsCall) {
    auto client = service_.client();
    const auto result = client.call({.target = "ledger.try", .body = wire::bytes_of("bad 255 segv"), .retries = 10});
    ASSERT_TRUE(result);
    EXPECT_EQ(summary(*result), "crashed signaled SIGSEGV");
    EXPECT_EQ(result->attempts, 3U);
    EXPECT_EQ(how("ledger.try", "bad 255 segv"), refused);
    EXPECT_THAT(ledger_.lines(), ElementsAre("bad 1", "bad 2", "bad 3"));
}

TEST_F(Poison, IsKnownAgainInAMemfd) {
    const auto large = "bad 255 segv\n" + std::string(300'000, 'x');
    poison("ledger.try", large);
    EXPECT_EQ(how("ledger.try", large), refused);
    EXPECT_EQ(how("ledger.try", "fine\n" + std::string(300'000, 'x')), "ok");
    auto other = large;
    other.back() = 'y';
    EXPECT_EQ(how("ledger.try", other), "crashed signaled SIGSEGV");
}

TEST_F(Poison, OfZeroCrashesIsNothing) {
    for (int i = 0; i < 8; ++i) EXPECT_EQ(how("free.segv", "bad"), "crashed signaled SIGSEGV");
    EXPECT_THAT(list(), SizeIs(0));
}

TEST_F(Poison, CountsWithinItsWindow) {
    for (int i = 0; i < 3; ++i) {
        const auto before = std::chrono::steady_clock::now();
        EXPECT_EQ(how("forgetful.segv", "bad"), "crashed signaled SIGSEGV");
        ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() - before > 300ms; }));
    }
    EXPECT_THAT(list(), SizeIs(0));
}

// A hang is no crash: its worker was killed for the caller's deadline, which may have been too short.
TEST_F(Poison, IsNotWhatRanOutOfTime) {
    auto client = service_.client();
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(summary(call(client, "ledger.try", "slow 255 wait", {}, 50ms)), "timed_out running");
    EXPECT_THAT(list(), SizeIs(0));
}

TEST_F(Poison, IsListedAndClearedByTheCommand) {
    EXPECT_EQ(service_.run({"poison"}).code, 0);
    poison("ledger.segv", "bad");
    poison("ledger.segv", "worse");
    poison("ledger.try", "bad 255 segv");
    const auto all = list();
    ASSERT_THAT(all, SizeIs(3));
    const auto& last = all.at(0);
    EXPECT_EQ(last.at("pool"), "ledger");
    EXPECT_EQ(last.at("crashes"), 3);
    const auto id = last.at("id").get<std::string>();
    const auto report = last.at("report").get<std::string>();

    const auto table = service_.run({"poison"});
    EXPECT_EQ(table.code, 0) << table.err;
    EXPECT_THAT(table.out, HasSubstr(id.substr(0, 8)));
    EXPECT_THAT(table.out, HasSubstr("ledger.try"));
    EXPECT_EQ(Json::parse(service_.run({"poison", "--json"}).out).at("poison"), all);
    EXPECT_EQ(service_.run({"crashes", report}).code, 0);

    const auto hint = service_.run({"call", "ledger.try", "bad 255 segv"});
    EXPECT_EQ(hint.code, 6);
    EXPECT_THAT(hint.err, HasSubstr("caisson poison --clear"));

    EXPECT_EQ(service_.run({"poison", "--clear", id}).code, 0);
    EXPECT_THAT(list(), SizeIs(2));
    EXPECT_EQ(how("ledger.try", "bad 255 segv"), "crashed signaled SIGSEGV");
    EXPECT_NE(service_.run({"poison", "--clear", "nosuchid"}).code, 0);
}

TEST_F(Poison, IsClearedByPoolAndAltogether) {
    poison("ledger.segv", "bad");
    EXPECT_EQ(service_.request({{"verb", "clear_poison"}, {"pool", "free"}}).at("cleared"), 0);
    EXPECT_EQ(service_.request({{"verb", "clear_poison"}, {"pool", "ledger"}}).at("cleared"), 1);
    poison("ledger.segv", "bad");
    poison("ledger.segv", "worse");
    EXPECT_EQ(service_.request({{"verb", "clear_poison"}}).at("cleared"), 2);
    EXPECT_THAT(list(), SizeIs(0));
}

TEST_F(Poison, AThousandBadInputsArePushedOutByNewerOnesAndHarmNobody) {
    auto client = service_.client();
    Ends ends{client};
    for (int i = 0; i < 1100; ++i) ends.submit({.target = "forgetful.die", .body = wire::bytes_of(std::to_string(i))});
    for (int i = 0; i < 100; ++i) ends.take_one();
    EXPECT_EQ(how("ledger.note", "x"), "ok");
    for (const auto& [how, times] : ends.count()) EXPECT_EQ(how, "crashed signaled SIGKILL") << times;
}

}  // namespace
}  // namespace caisson::test
