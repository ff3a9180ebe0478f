// SPDX-License-Identifier: Apache-2.0
/// What happened, told to those who ask: events and the log, once and as they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <future>

#include "support/service.hpp"

namespace caisson::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string two_pools() {
    return "[pool.math]\nworkers = 1\n[pool.chaos]\nworkers = 1\nplugin = \"" + chaos_library() + "\"\n";
}

Json events(const Service& service, Json more = Json::object()) {
    more["verb"] = "events";
    return service.request(more);
}

bool has_event(const Json& answer, std::string_view name, std::string_view pool) {
    const auto& list = answer.at("events");
    return std::ranges::any_of(
        list, [&](const Json& event) { return event.at("event") == name && event.value("pool", "") == pool; });
}

TEST(Events, TellOfTheStartOfACrashAndOfWhoAskedForWhat) {
    Service service{{.pools = two_pools()}};
    EXPECT_EQ(service.run({"call", "chaos.segv"}).code, 4);
    service.await_pool("chaos");
    EXPECT_EQ(service.run({"resize", "math", "2"}).code, 0);
    const auto all = events(service);
    EXPECT_TRUE(has_event(all, "service_started", ""));
    EXPECT_TRUE(has_event(all, "worker_ready", "math"));
    EXPECT_TRUE(has_event(all, "worker_ended", "chaos"));
    EXPECT_TRUE(has_event(all, "crash_reported", "chaos"));
    EXPECT_TRUE(has_event(all, "pool_resized", "math"));
    EXPECT_EQ(all.at("lost"), 0);
    std::uint64_t before = 0;
    for (const auto& event : all.at("events")) {
        EXPECT_GT(event.at("seq").get<std::uint64_t>(), before);
        before = event.at("seq");
        EXPECT_THAT(event.at("time").get<std::string>(), ContainsRegex("^20..-..-..T..:..:..\\....Z$"));
    }
    const auto reported = std::ranges::find(all.at("events"), Json("crash_reported"),
                                            [](const Json& event) { return event.at("event"); });
    ASSERT_NE(reported, all.at("events").end());
    EXPECT_EQ(reported->at("method"), "segv");
    EXPECT_EQ(reported->at("worker"), 1);
    EXPECT_EQ(reported->at("call"), 1);
    EXPECT_EQ(reported->at("report"), service.crashes().at(0).at("report"));
}

TEST(Events, OfOnePoolAreOfNoOther) {
    Service service{{.pools = two_pools()}};
    for (const auto& event : events(service, {{"pool", "math"}}).at("events")) EXPECT_EQ(event.at("pool"), "math");
    const auto typed = service.run({"events", "math"});
    EXPECT_EQ(typed.code, 0);
    EXPECT_THAT(typed.out, HasSubstr("pool=math"));
    EXPECT_THAT(typed.out, Not(HasSubstr("chaos")));
}

TEST(Events, AnswerWhoWaitsWhenSomethingHappens) {
    Service service{{.pools = two_pools()}};
    const auto next = events(service).at("next");
    auto client = service.client();
    auto asker = std::async(std::launch::async, [&] {
        return client.request(Json{{"verb", "events"}, {"after", next}, {"wait_s", 30}, {"pool", "math"}}.dump(),
                              patience);
    });
    EXPECT_EQ(service.run({"call", "chaos.segv"}).code, 4);  // which is not about math
    EXPECT_EQ(service.run({"resize", "math", "2"}).code, 0);
    const auto answer = asker.get();
    ASSERT_TRUE(answer && answer->ok);
    const auto news = Json::parse(answer->json);
    ASSERT_FALSE(news.at("events").empty());
    for (const auto& event : news.at("events")) EXPECT_EQ(event.at("pool"), "math");
}

TEST(Events, AnswerWhoWaitsInVainAndWhenTheServiceStops) {
    Service service;
    const auto next = events(service).at("next");
    const auto nothing = events(service, {{"after", next}, {"wait_s", 1}});
    EXPECT_TRUE(nothing.at("events").empty());
    EXPECT_EQ(nothing.at("next"), next);

    auto client = service.client();
    auto asker = std::async(std::launch::async, [&] {
        // Only what is about a pool that is not there: nothing ever happens to it.
        return client.request(Json{{"verb", "events"}, {"after", next}, {"wait_s", 30}, {"pool", "none"}}.dump(),
                              patience);
    });
    EXPECT_TRUE(eventually([&] { return service.status().at("supervisor").at("sessions") >= 2; }));
    const auto from = std::chrono::steady_clock::now();
    EXPECT_EQ(service.stop().code, 0);
    const auto answer = asker.get();
    EXPECT_LT(std::chrono::steady_clock::now() - from, 20s);
    if (answer) {
        EXPECT_TRUE(Json::parse(answer->json).contains("events"));
    }
}

TEST(Events, RefuseNonsenseAndTooManyWhoWait) {
    Service service;
    auto client = service.client();
    for (const auto& wrong :
         {Json{{"after", "x"}}, Json{{"after", -1}}, Json{{"wait_s", 31}}, Json{{"limit", 1'000'000}}}) {
        auto request = wrong;
        request["verb"] = "events";
        const auto answer = client.request(request.dump(), patience);
        ASSERT_TRUE(answer);
        EXPECT_FALSE(answer->ok) << wrong;
    }
}

TEST(Events, FollowedByTheCommandGoThroughARestart) {
    Service service;
    Program follow{service.command({"events", "-f", "-n", "0", "--json"})};
    // It hears of what happens now, and so it is there.
    EXPECT_TRUE(eventually([&] {
        EXPECT_EQ(service.run({"resize", "math", "2"}).code, 0);
        return follow.out().find("pool_resized") != std::string::npos;
    }));
    EXPECT_EQ(service.stop().code, 0);
    EXPECT_TRUE(eventually([&] { return follow.err().find("waiting for it") != std::string::npos; }));
    service.start();
    EXPECT_TRUE(eventually([&] { return follow.out().find("service_started") != std::string::npos; }))
        << follow.out() << follow.err();
    EXPECT_THAT(follow.err(), HasSubstr("is there again"));
    follow.signal(SIGINT);
    EXPECT_EQ(follow.wait().code, 130);
}

TEST(Events, FollowedIntoAPipeThatEndsEnd) {
    Service service;
    const auto shell =
        "'" + caisson_program().string() + "' --socket '" + service.socket().string() + "' events -f | head -n 1";
    Program reader{{"/bin/sh", "-c", shell}};
    EXPECT_TRUE(eventually([&] {  // it finds out when it has something to write
        if (!reader.running()) return true;
        (void)service.run({"resize", "math", "3"});
        (void)service.run({"resize", "math", "4"});
        return !reader.running();
    }));
}

TEST(Logs, HaveTheLinesOfPluginsWithPoolWorkerAndCall) {
    Service service{{.pools = two_pools()}};
    EXPECT_EQ(service.run({"call", "chaos.say", "good morning"}).code, 0);
    Json line;
    EXPECT_TRUE(eventually([&] {
        const auto lines = service.request({{"verb", "logs"}, {"pool", "chaos"}}).at("lines");
        for (const auto& one : lines)
            if (one.value("stream", "") == "stdout") line = one;
        return !line.is_null();
    }));
    EXPECT_EQ(line.at("message"), "good morning");
    EXPECT_EQ(line.at("worker"), 1);
    EXPECT_GT(line.at("call"), 0);
    const auto typed = service.run({"logs", "chaos"});
    EXPECT_EQ(typed.code, 0);
    EXPECT_THAT(typed.out, HasSubstr("good morning"));
    EXPECT_THAT(typed.out, HasSubstr("stream=stdout"));
    EXPECT_THAT(service.run({"logs", "--json", "-n", "1"}).out, ContainsRegex("^\\{.*\\}\n$"));
    EXPECT_EQ(service.run({"logs", "-n", "x"}).code, 2);
}

TEST(Logs, AreBoundedHoweverMuchIsSaid) {
    Service service{{.pools = two_pools(), .log = "plugin_lines = 1000000\n"}};
    auto client = service.client();
    EXPECT_EQ(call(client, "chaos.flood_stdout", "", R"({"n": 8388608, "newlines": true})").outcome, Outcome::ok);
    const auto lines = service.request({{"verb", "logs"}, {"limit", 1000}}).at("lines");
    EXPECT_LE(lines.size(), 1000U);
    EXPECT_EQ(service.run({"call", "math.square", "7"}).out, "49");
}

TEST(Logs, OnAFullDiskCostLinesAndNothingElse) {
    // A service whose log is a device that is always full.
    Folder folder;
    write_file(folder / "caisson.toml",
               "[service]\nsocket = \"caisson.sock\"\nstate_dir = \"state\"\nplugin_dir = \"" +
                   plugin_folder().string() +
                   "\"\ndiscover = false\n[log]\nfile = \"/dev/full\"\n[pool.math]\nworkers = 1\n");
    Program serve{{caisson_program().string(), "serve", "-c", (folder / "caisson.toml").string()}};
    const auto typed = [&](std::vector<std::string> words) {
        words.insert(words.begin(), {"--socket", (folder / "caisson.sock").string()});
        return caisson(std::move(words));
    };
    EXPECT_TRUE(eventually([&] { return typed({"call", "math.square", "7"}).out == "49"; }));
    EXPECT_THAT(typed({"events"}).out, HasSubstr("worker_ready"));
    const auto status = Json::parse(typed({"status", "--json"}).out);
    EXPECT_GT(status.at("supervisor").at("log_dropped"), 2);
    EXPECT_EQ(typed({"stop"}).code, 0);
    const auto ended = serve.wait();
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err, "") << "nothing is said of it where nobody looks";
}

}  // namespace
}  // namespace caisson::test
