// SPDX-License-Identifier: Apache-2.0
#include "base/log.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace caisson {
namespace {

class LogTest : public ::testing::Test {
   protected:
    LogTest()
        : path_(std::filesystem::path{::testing::TempDir()} / ("caisson-log-test-" + std::to_string(::getpid()))) {}
    ~LogTest() override { std::filesystem::remove(path_); }
    std::string written(bool json, const std::function<void(Log&)>& say) {
        {
            auto log = Log::open({.level = LogLevel::info, .json = json, .file = path_});
            EXPECT_TRUE(log);
            say(*log);
        }
        std::ostringstream text;
        text << std::ifstream(path_).rdbuf();
        return text.str();
    }
    std::filesystem::path path_;
};

TEST_F(LogTest, ATextLineHasItsFieldsAndNoControls) {
    const auto text = written(false, [](Log& log) {
        log.info("worker \x1b[2Jready", {{"pool", "math"}, {"worker", 2}, {"why", "two words"}});
        log.debug("not at this level");
    });
    EXPECT_NE(text.find("info    worker \\x1b[2Jready pool=math worker=2 why=\"two words\"\n"), std::string::npos)
        << text;
    EXPECT_EQ(text.find("not at this level"), std::string::npos);
}

TEST_F(LogTest, AJsonLineIsOneObjectWhateverItSays) {
    const auto text = written(true, [](Log& log) { log.warn("a \"quote\"\n", {{"bytes", "\xFF%v{}"}, {"n", -1}}); });
    const auto line = nlohmann::json::parse(text);
    EXPECT_EQ(line["message"], "a \"quote\"\n");
    EXPECT_EQ(line["n"], -1);
    EXPECT_EQ(line["level"], "warning");
}

TEST_F(LogTest, AnEventHasItsNameInTheLine) {
    const auto say = [](Log& log) { log.event("worker_ready", LogLevel::info, "worker ready", {{"worker", 2}}); };
    EXPECT_NE(written(false, say).find("info    worker ready event=worker_ready worker=2\n"), std::string::npos);
    std::filesystem::remove(path_);
    const auto line = nlohmann::json::parse(written(true, say));
    EXPECT_EQ(line["event"], "worker_ready");
    EXPECT_EQ(line["worker"], 2);
}

TEST_F(LogTest, EventsAreRememberedWhateverTheLevelIs) {
    auto log = Log::open({.level = LogLevel::error, .file = path_});
    ASSERT_TRUE(log);
    std::vector<std::string> heard;
    log->on_record([&](const LogRecord& record) { heard.push_back(record.message); });
    log->info("a line below the level");
    log->event("pool_state", LogLevel::info, "an event below it", {{"pool", "math"}, {"n", 7}});
    log->error("a line above it");
    EXPECT_EQ(heard, (std::vector<std::string>{"an event below it", "a line above it"}));
    const auto found = log->records().last({.pool = "math", .limit = 10});
    ASSERT_EQ(found.records.size(), 1U);
    EXPECT_EQ(found.records[0]->event, "pool_state");
    EXPECT_EQ(found.records[0]->fields, R"({"pool":"math","n":7})");
    EXPECT_EQ(Log::silent().records().newest(), 0U);
}

TEST_F(LogTest, AFolderIsNoLogFile) {
    const auto log = Log::open({.file = std::filesystem::path{"/proc"}});
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().text().find("/proc"), std::string::npos);
}

}  // namespace
}  // namespace caisson
