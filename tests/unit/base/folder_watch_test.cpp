// SPDX-License-Identifier: Apache-2.0
#include "base/folder_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <fstream>

namespace caisson {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::IsEmpty;
using testing::Pair;
using What = FolderWatch::What;
using namespace std::chrono_literals;

class FolderWatchTest : public testing::Test {
   protected:
    FolderWatchTest() {
        std::string name = (fs::temp_directory_path() / "caisson-watch-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
        folder_ = name;
    }
    ~FolderWatchTest() override { fs::remove_all(folder_); }

    /// Everything that is told until `name` is told as `what`.
    void await(What what, const std::string& name) {
        const auto until = Clock::now() + 10s;
        while (!std::ranges::count(seen_, std::pair{what, name}) && Clock::now() < until) loop_.run_turn(until);
        EXPECT_THAT(seen_, Contains(Pair(what, name)));
    }

    fs::path folder_;
    Loop loop_;
    std::vector<std::pair<What, std::string>> seen_;
    FolderWatch watch_{
        loop_, [this](const FolderWatch::Event& event) { seen_.emplace_back(event.what, std::string{event.name}); }};
};

TEST_F(FolderWatchTest, TellsTheBeginningOfAFileFromItsEnd) {
    ASSERT_THAT(watch_.watch({folder_}), IsEmpty());
    std::ofstream file{folder_ / "slow"};
    file << "half" << std::flush;
    await(What::begun, "slow");
    EXPECT_THAT(seen_, testing::Not(Contains(Pair(What::changed, "slow"))));
    file.close();
    await(What::changed, "slow");
}

TEST_F(FolderWatchTest, TellsWhatComesAndGoesAtOnce) {
    std::ofstream{folder_ / "a"} << "x";
    ASSERT_THAT(watch_.watch({folder_}), IsEmpty());
    fs::create_symlink("a", folder_ / "link");
    await(What::changed, "link");
    fs::create_hard_link(folder_ / "a", folder_ / "hard");
    await(What::changed, "hard");
    fs::rename(folder_ / "a", folder_ / "b");
    await(What::changed, "b");
    fs::remove(folder_ / "link");
    fs::permissions(folder_ / "b", fs::perms::owner_read);
    await(What::touched, "b");
}

TEST_F(FolderWatchTest, TellsThatTheFolderHasGoneAndCanWatchTheNextOfThatName) {
    const auto inner = folder_ / "inner";
    fs::create_directory(inner);
    ASSERT_THAT(watch_.watch({inner}), IsEmpty());
    fs::rename(inner, folder_ / "moved");
    await(What::gone, "");
    EXPECT_EQ(watch_.size(), 0U);
    EXPECT_THAT(watch_.watch({inner}), Contains(Pair(inner, testing::_)));
    fs::create_directory(inner);
    ASSERT_THAT(watch_.watch({inner}), IsEmpty());
    std::ofstream{inner / "file"} << "x";
    await(What::changed, "file");
}

TEST_F(FolderWatchTest, OfTwoNamesOfOneFolderTellsBoth) {
    fs::create_directory(folder_ / "inner");
    fs::create_directory_symlink("inner", folder_ / "alias");
    ASSERT_THAT(watch_.watch({folder_ / "inner", folder_ / "alias"}), IsEmpty());
    std::ofstream{folder_ / "inner" / "file"} << "x";
    await(What::changed, "file");
    EXPECT_EQ(std::ranges::count(seen_, std::pair{What::changed, std::string{"file"}}), 2);
    ASSERT_THAT(watch_.watch({folder_ / "alias"}), IsEmpty());
    seen_.clear();
    std::ofstream{folder_ / "inner" / "other"} << "x";
    await(What::changed, "other");
}

}  // namespace
}  // namespace caisson
