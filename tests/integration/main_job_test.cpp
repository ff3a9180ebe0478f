// SPDX-License-Identifier: Apache-2.0
/// The main job: work goes to plugins in processes of their own, and the right answers come back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;

constexpr const char* pools_of_four = R"(
[defaults]
workers = 4
[pool.math]
[pool.hello]
[pool.text]
[pool.digest]
[pool.counter]
)";

class MainJob : public testing::Test {
   protected:
    Service service_{{.pools = pools_of_four}};
};

/// A text that everybody has who has these sources.
std::filesystem::path real_text() { return std::filesystem::path{CAISSON_SOURCES} / "LICENSE"; }

std::string first_words(const std::string& text, int count) {
    std::istringstream stream{text};
    std::string words;
    std::string word;
    for (int i = 0; i < count && stream >> word; ++i) words += (i > 0 ? " " : "") + word;
    return words;
}

TEST_F(MainJob, SquaresANumber) {
    const auto ended = service_.run({"call", "math.square", "7"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "49");
    EXPECT_EQ(ended.err, "");
}

TEST_F(MainJob, MapsNumbersInOrder) {
    const auto ended = service_.run({"map", "math.square"}, {.input = "1\n2\n3\n4\n5\n"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, "1\n4\n9\n16\n25\n");
}

TEST_F(MainJob, MapsManyNumbersInOrder) {
    std::string numbers;
    std::string squares;
    for (long n = 1; n <= 20'000; ++n) {
        numbers += std::to_string(n) + "\n";
        squares += std::to_string(n * n) + "\n";
    }
    const auto ended = service_.run({"map", "math.square"}, {.input = numbers});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_TRUE(ended.out == squares);
}

TEST_F(MainJob, AnswersAClientThatSubmitsBeforeItListens) {
    auto client = service_.client();
    std::map<std::uint64_t, std::string> expected;
    for (int n = 1; n <= 5; ++n) {
        const auto text = std::to_string(n);
        const auto id = client.submit({.target = "math.square", .body = wire::bytes_of(text)});
        ASSERT_TRUE(id) << id.error().message;
        expected[*id] = std::to_string(n * n);
    }
    while (client.outstanding() > 0) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto& done = std::get<Done>(**event);
        EXPECT_EQ(done.result.output, expected[done.call]);
        expected.erase(done.call);
    }
    EXPECT_TRUE(expected.empty());
}

TEST_F(MainJob, WorkersAreProcessesOfTheirOwn) {
    const auto pids = service_.workers("hello");
    const std::set<pid_t> different{pids.begin(), pids.end()};
    EXPECT_EQ(different.size(), 4U);
    EXPECT_FALSE(different.contains(service_.pid()));

    auto client = service_.client();
    const auto answer = Json::parse(call(client, "hello.number", "3").output);
    EXPECT_EQ(answer.at("number"), 3);
    EXPECT_TRUE(different.contains(answer.at("pid"))) << answer;
}

TEST_F(MainJob, FourProcessesPrintFourNumbers) {
    const auto ended = service_.run({"map", "hello.number"}, {.input = "1\n2\n3\n4\n"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    std::istringstream answers{ended.out};
    std::string answer;
    int numbers = 0;
    while (std::getline(answers, answer)) {
        const auto document = Json::parse(answer);
        EXPECT_EQ(document.at("number"), ++numbers);
        const auto said = "number " + std::to_string(numbers) + " from pid " + document.at("pid").dump();
        service_.await_log(said);
    }
    EXPECT_EQ(numbers, 4);
    // Each line of a plugin says whose it is.
    EXPECT_THAT(
        service_.log(),
        ContainsRegex("number 4 from pid [0-9]+.* stream=stdout pool=hello worker=[1-4] pid=[0-9]+ call=[0-9]+"));
}

TEST_F(MainJob, CountsWordsAsWcDoes) {
    const auto wc = run_program({"/usr/bin/wc", real_text().string()}, {.environment = {"LC_ALL=C"}});
    ASSERT_EQ(wc.code, 0);
    const auto ended = service_.run({"call", "text.wordcount", "@" + real_text().string()});
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto counted = Json::parse(ended.out);
    EXPECT_EQ(counted.at("lines").dump() + " " + counted.at("words").dump() + " " + counted.at("bytes").dump(),
              first_words(wc.out, 3));
}

TEST_F(MainJob, FindsLinesAsGrepDoes) {
    const auto grep = run_program({"/usr/bin/grep", "-E", "^ *[0-9]+[.]", real_text().string()});
    const auto ended =
        service_.run({"call", "text.grep", "@" + real_text().string(), "--params", R"({"pattern":"^ *[0-9]+[.]"})"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, grep.out);
    EXPECT_THAT(ended.out, HasSubstr("1. Definitions"));
}

TEST_F(MainJob, DigestsAsSha256sumDoes) {
    const auto sum = run_program({"/usr/bin/sha256sum", real_text().string()});
    const auto ended = service_.run({"call", "digest.sha256", "-"}, {.input = read_file(real_text())});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, first_words(sum.out, 1));
}

TEST_F(MainJob, DigestsABodyOfTheLargestSize) {
    const Folder folder;
    write_file(folder / "large", std::string(std::size_t{16} * 1024 * 1024, 'x'));
    const auto sum = run_program({"/usr/bin/sha256sum", (folder / "large").string()});
    const auto ended = service_.run({"call", "digest.sha256", "@" + (folder / "large").string()});
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.out, first_words(sum.out, 1));
}

TEST_F(MainJob, EachProcessCountsForItself) {
    auto client = service_.client();
    std::map<pid_t, int> counts;
    for (int i = 0; i < 40; ++i) {
        const auto answer = Json::parse(call(client, "counter.next").output);
        EXPECT_EQ(answer.at("count"), ++counts[answer.at("pid")]);
    }
    const auto pids = service_.workers("counter");
    for (const auto& [pid, count] : counts) EXPECT_THAT(pids, testing::Contains(pid));
}

TEST_F(MainJob, AnErrorOfThePluginIsNoCrash) {
    const auto pids = service_.workers("math");
    const auto ended = service_.run({"call", "math.square", "seven"});
    EXPECT_EQ(ended.code, 1);
    EXPECT_EQ(ended.out, "");
    EXPECT_THAT(ended.err, HasSubstr("caisson: math.square failed: "));
    EXPECT_EQ(service_.workers("math"), pids);
}

TEST_F(MainJob, StatusTellsWhoServes) {
    const auto ended = service_.run({"status", "--json"});
    EXPECT_EQ(ended.code, 0) << ended.err;
    const auto status = Json::parse(ended.out);
    EXPECT_EQ(status.at("supervisor").at("pid"), service_.pid());
    EXPECT_EQ(status.at("supervisor").at("socket"), service_.socket().string());
    EXPECT_EQ(status.at("pools").size(), 5U);
    EXPECT_THAT(service_.run({"status"}).out, ContainsRegex("math +ready +1[.]0[.]0 +4/4"));
    EXPECT_THAT(service_.run({"workers", "math"}).out, HasSubstr("math/4"));
}

}  // namespace
}  // namespace caisson::test
