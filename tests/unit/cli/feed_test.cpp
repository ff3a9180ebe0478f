// SPDX-License-Identifier: Apache-2.0
#include "cli/feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "support/eventually.hpp"
#include "support/fake_service.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;
using test::FakeService;
using Session = FakeService::Session;

FakeService::Script script_of(std::function<void(Session&, std::uint64_t, const std::string&)> on_request) {
    FakeService::Script script;
    script.on_request = std::move(on_request);
    return script;
}

Feed::Options options_of(const FakeService& service, Duration interval) {
    return {service.socket(), {{"verb", "status"}}, interval};
}

/// Waits for the news that `holds` likes.
template <class Condition>
Feed::News await(Feed& feed, Condition&& holds) {
    Feed::News news;
    const auto until = std::chrono::steady_clock::now() + test::patience;
    while (std::chrono::steady_clock::now() < until && test::readable_within(feed.descriptor())) {
        news = feed.take();
        if (holds(news)) return news;
    }
    ADD_FAILURE() << "no such news";
    return news;
}

TEST(Feed, TriesAgainQuicklyAtFirstAndNeverRarely) {
    EXPECT_EQ(retry_delay(0), 250ms);
    EXPECT_EQ(retry_delay(1), 500ms);
    EXPECT_EQ(retry_delay(4), 4s);
    EXPECT_EQ(retry_delay(5), 5s);
    EXPECT_EQ(retry_delay(4'000'000'000U), 5s);
}

TEST(Feed, TellsTheStatusAgainAndAgain) {
    std::atomic<int> looks = 0;
    FakeService service{script_of(
        [&](Session& session, std::uint64_t id, const std::string&) { session.reply(id, std::to_string(++looks)); })};
    Feed feed{*Client::connect(service.socket()), options_of(service, 1ms)};
    await(feed, [](const auto& news) { return news.status && std::stoi(*news.status) >= 3; });
}

TEST(Feed, AnswersWhatIsAskedBetweenTwoLooks) {
    FakeService service{script_of([&](Session& session, std::uint64_t id, const std::string& json) {
        session.reply(id, R"({"message":"said"})", json.find("restart") != std::string::npos);
    })};
    Feed feed{*Client::connect(service.socket()), options_of(service, 1h)};
    EXPECT_TRUE(feed.ask({{"verb", "restart"}, {"pool", "math"}}));
    const auto news = await(feed, [](const auto& found) { return !found.answers.empty(); });
    ASSERT_EQ(news.answers.size(), 1U);
    EXPECT_FALSE(news.answers[0].ok);
    EXPECT_EQ(text(news.answers[0].request, "pool"), "math");
    EXPECT_EQ(text(news.answers[0].document, "message"), "said");
}

TEST(Feed, AServiceThatHasGoneIsSaidAndTriedAgain) {
    std::atomic<int> looks = 0;
    FakeService service{script_of([&](Session& session, std::uint64_t id, const std::string&) {
        if (++looks == 2) return session.close();
        session.reply(id, "{}");
    })};
    Feed feed{*Client::connect(service.socket()), options_of(service, 1ms)};
    const auto lost = await(feed, [](const auto& news) { return news.loss.has_value(); });
    EXPECT_FALSE(lost.status);
    EXPECT_NE(lost.loss->why, "");
    await(feed, [](const auto& news) { return news.status && !news.loss; });
}

TEST(Feed, ARefusedStatusIsALossWithItsReason) {
    FakeService service{script_of([&](Session& session, std::uint64_t id, const std::string&) {
        session.reply(id, R"({"message":"you may not"})", true);
    })};
    Feed feed{*Client::connect(service.socket()), options_of(service, 1ms)};
    EXPECT_EQ(await(feed, [](const auto& news) { return news.loss.has_value(); }).loss->why, "you may not");
}

TEST(Feed, EndsAtOnceAlthoughTheServiceDoesNotAnswer) {
    std::atomic<bool> asked = false;
    FakeService service{script_of([&](Session&, std::uint64_t, const std::string&) { asked = true; })};
    const auto start = std::chrono::steady_clock::now();
    {
        Feed feed{*Client::connect(service.socket()), options_of(service, 1ms)};
        ASSERT_TRUE(test::eventually([&] { return asked.load(); }));
        for (int i = 0; i < 8; ++i) EXPECT_TRUE(feed.ask({{"verb", "crashes"}}));
        EXPECT_FALSE(feed.ask({{"verb", "crashes"}}));
    }
    // It would wait three seconds for the first answer, and ten for each that is asked for.
    EXPECT_LT(std::chrono::steady_clock::now() - start, 20s);
}

}  // namespace
}  // namespace caisson::cli
