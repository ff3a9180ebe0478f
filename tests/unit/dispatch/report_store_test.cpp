// SPDX-License-Identifier: Apache-2.0
#include "dispatch/report_store.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

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
    Log log_ = Log::silent();
    std::filesystem::path dir_;
};

TEST_F(ReportStoreTest, KeepsTheLastOnesInMemoryAndAsFiles) {
    {
        ReportStore store{log_, dir_, 3};
        for (int i = 0; i < 10; ++i) store.add("R" + std::to_string(i), {{"report", "R" + std::to_string(i)}});
        const auto list = store.list();
        ASSERT_EQ(list.size(), 3U);
        EXPECT_EQ(list[0]["report"], "R9") << "newest first";
        EXPECT_FALSE(store.find("R1"));
    }
    EXPECT_EQ(files(), 3U);
    const ReportStore next{log_, dir_, 3};
    EXPECT_EQ(next.list()[2]["report"], "R7") << "an earlier run's reports are still there";
}

TEST_F(ReportStoreTest, AUniquePrefixIsEnough) {
    ReportStore store{log_, {}, 10};
    store.add("01AB", {{"report", "01AB"}});
    store.add("01AC", {{"report", "01AC"}});
    store.add("01", {{"report", "01"}});
    EXPECT_TRUE(store.find("01AC"));
    EXPECT_FALSE(store.find("01A")) << "two begin so";
    EXPECT_EQ(json::parse(*store.find("01"))["report"], "01") << "a whole id is never ambiguous";
}

TEST_F(ReportStoreTest, NoReportIsLargerThanItsBound) {
    ReportStore store{log_, dir_, 3};
    store.add("BIG",
              {{"report", "BIG"}, {"output", {std::string(limits::report_file_bytes, 'x')}}, {"stack", json::array()}});
    EXPECT_LE(store.find("BIG")->size(), limits::report_file_bytes);
}

TEST_F(ReportStoreTest, NonsenseInTheFolderIsLeftAlone) {
    std::filesystem::create_directories(dir_ / "folder.json");
    std::ofstream{dir_ / "broken.json"} << "{";
    std::ofstream{dir_ / "notes.txt"} << "mine";
    const ReportStore store{log_, dir_, 3};
    EXPECT_TRUE(store.list().empty());
    EXPECT_TRUE(std::filesystem::exists(dir_ / "notes.txt"));
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
