// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/limits.hpp"
#include "dispatch/crash_report.hpp"

namespace caisson::dispatch {
namespace {

using nlohmann::json;

class ReportStoreTest : public ::testing::Test {
   protected:
    ReportStoreTest()
        : dir_(std::filesystem::path{::testing::TempDir()} / ("caisson-reports-" + std::to_string(::getpid()))) {}
    ~ReportStoreTest() override { std::filesystem::remove_all(dir_); }
    std::size_t files() const {
        std::size_t count = 0;
        for (const auto& file : std::filesystem::directory_iterator(dir_)) count += file.is_regular_file() ? 1U : 0U;
        return count;
    }
    Loop loop_;
    Log log_ = Log::silent();
    std::filesystem::path dir_;
};

TEST_F(ReportStoreTest, KeepsTheLastOnesInMemoryAndAsFiles) {
    {
        ReportStore store{loop_, log_, dir_, 3};
        for (int i = 0; i < 10; ++i) store.add("R" + std::to_string(i), {{"report", "R" + std::to_string(i)}});
        const auto list = store.list();
        ASSERT_EQ(list.size(), 3U);
        EXPECT_EQ(list[0]["report"], "R9") << "newest first";
        EXPECT_FALSE(store.find("R1"));
    }
    EXPECT_EQ(files(), 3U);
    const ReportStore next{loop_, log_, dir_, 3};
    EXPECT_EQ(next.list()[2]["report"], "R7") << "an earlier run's reports are still there";
}

TEST_F(ReportStoreTest, AUniquePrefixIsEnough) {
    ReportStore store{loop_, log_, {}, 10};
    store.add("01AB", {{"report", "01AB"}});
    store.add("01AC", {{"report", "01AC"}});
    store.add("01", {{"report", "01"}});
    EXPECT_TRUE(store.find("01AC"));
    EXPECT_FALSE(store.find("01A")) << "two begin so";
    EXPECT_EQ(json::parse(*store.find("01"))["report"], "01") << "a whole id is never ambiguous";
}

TEST_F(ReportStoreTest, NoReportIsLargerThanItsBound) {
    ReportStore store{loop_, log_, dir_, 3};
    store.add("BIG",
              {{"report", "BIG"}, {"output", {std::string(limits::report_file_bytes, 'x')}}, {"stack", json::array()}});
    EXPECT_LE(store.find("BIG")->size(), limits::report_file_bytes);
}

TEST_F(ReportStoreTest, NonsenseInTheFolderIsLeftAlone) {
    std::filesystem::create_directories(dir_ / "folder.json");
    std::ofstream{dir_ / "broken.json"} << "{";
    std::ofstream{dir_ / "notes.txt"} << "mine";
    const ReportStore store{loop_, log_, dir_, 3};
    EXPECT_TRUE(store.list().empty());
    EXPECT_TRUE(std::filesystem::exists(dir_ / "notes.txt"));
}

TEST_F(ReportStoreTest, SaysOnceThatItCannotWriteAndOnceThatItCanAgain) {
    const auto file = dir_.native() + ".log";
    {
        auto log = Log::open({.file = file});
        ASSERT_TRUE(log);
        ReportStore store{loop_, *log, dir_, 10};
        const auto add = [&](const char* id) {
            store.add(id, {{"report", id}});
            loop_.run_turn(Clock::now() + std::chrono::seconds{30});
        };
        std::filesystem::remove_all(dir_);
        add("A");
        add("B");
        std::filesystem::create_directories(dir_);
        add("C");
        add("D");
        EXPECT_TRUE(store.find("A")) << "what is on no disk is in memory";
    }
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    std::filesystem::remove(file);
    const auto count = [text = text.str()](const std::string& word) {
        std::size_t times = 0;
        for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
        return times;
    };
    EXPECT_EQ(count("reports_not_written"), 1U) << text.str();
    EXPECT_EQ(count("reports_written"), 1U) << text.str();
    EXPECT_EQ(files(), 2U);
}

TEST(ReportId, SortsByTimeAndIsUnique) {
    const auto first = new_report_id();
    const auto second = new_report_id();
    EXPECT_EQ(first.size(), 26U);
    EXPECT_LE(first.substr(0, 10), second.substr(0, 10));
    EXPECT_NE(first, second);
}

}  // namespace
}  // namespace caisson::dispatch
