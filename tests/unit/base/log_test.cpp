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

TEST_F(LogTest, AFolderIsNoLogFile) {
    const auto log = Log::open({.file = std::filesystem::path{"/proc"}});
    ASSERT_FALSE(log);
    EXPECT_NE(log.error().text().find("/proc"), std::string::npos);
}

}  // namespace
}  // namespace caisson
