// SPDX-License-Identifier: Apache-2.0
#include "settings/discover.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "base/limits.hpp"

namespace caisson::settings {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<Entry> files(std::initializer_list<const char*> names) {
    std::vector<Entry> entries;
    for (const char* name : names) entries.push_back({name});
    return entries;
}

TEST(PoolNameOf, LosesLibAndSo) {
    EXPECT_EQ(pool_name_of("libmath.so"), "math");
    EXPECT_EQ(pool_name_of("math.so"), "math");
    EXPECT_EQ(pool_name_of("liblib.so"), "lib");
    EXPECT_EQ(pool_name_of("lib.so"), "lib");
    EXPECT_EQ(pool_name_of("library.so"), "rary");
    EXPECT_EQ(pool_name_of("math"), "math");
}

TEST(Discover, NamesPoolsInOrder) {
    const auto found = discover("/p", files({"text.so", "libmath.so", "libhello.so"}));
    EXPECT_THAT(found.libraries, ElementsAre(Library{"hello", "/p/libhello.so"}, Library{"math", "/p/libmath.so"},
                                             Library{"text", "/p/text.so"}));
    EXPECT_THAT(found.problems, IsEmpty());
}

TEST(Discover, PassesOverWhatIsNoLibrary) {
    auto entries = files({".libmath.so", ".so", "README.md", "libmath.so.1", "libmath.so~", "libmath.so.tmp",
                          "libmath.a", "#libmath.so#", "so", "", ".libmath.so.swp"});
    entries.push_back({"folder", EntryKind::directory});
    entries.push_back({"fifo", EntryKind::fifo});
    entries.push_back({"gone", EntryKind::dangling});
    const auto found = discover("/p", entries);
    EXPECT_THAT(found.libraries, IsEmpty());
    EXPECT_THAT(found.problems, IsEmpty());
}

TEST(Discover, ReportsWhatOnlyLooksLikeALibrary) {
    const auto found = discover("/p", {{"libgood.so", EntryKind::file},
                                       {"libdir.so", EntryKind::directory},
                                       {"libfifo.so", EntryKind::fifo},
                                       {"libgone.so", EntryKind::dangling},
                                       {"libsock.so", EntryKind::other}});
    EXPECT_THAT(found.libraries, ElementsAre(Library{"good", "/p/libgood.so"}));
    ASSERT_EQ(found.problems.size(), 4U);
    EXPECT_EQ(found.problems[0].text(),
              "/p/libdir.so: is a directory, not a library (move it out of the plugin folder)");
    EXPECT_THAT(found.problems[1].text(), HasSubstr("/p/libfifo.so: is a fifo"));
    EXPECT_THAT(found.problems[2].text(), HasSubstr("/p/libgone.so: points to nothing"));
    EXPECT_THAT(found.problems[3].text(), HasSubstr("/p/libsock.so: is a socket or a device"));
    for (const Problem& problem : found.problems) EXPECT_EQ(problem.scope, Scope::library);
}

TEST(Discover, ReportsNamesThatNoPoolMayHave) {
    const auto found = discover("/p", files({"libMath.so", "lib my.so", "libmath.tmp.so", "lib\x1b.so"}));
    EXPECT_THAT(found.libraries, IsEmpty());
    ASSERT_EQ(found.problems.size(), 4U);
    EXPECT_THAT(text_of(found.problems), HasSubstr("add [pool.math] with plugin = \"libMath.so\""));
    EXPECT_EQ(text_of(found.problems).find('\x1b'), std::string::npos);
    EXPECT_EQ(discover("/p", {{std::string(70, 'a') + ".so"}}).problems.size(), 1U);
}

TEST(Discover, GivesTwoOfOneNameNoPool) {
    const auto found = discover("/p", files({"math.so", "libmath.so", "text.so"}));
    EXPECT_THAT(found.libraries, ElementsAre(Library{"text", "/p/text.so"}));
    ASSERT_EQ(found.problems.size(), 1U);
    EXPECT_EQ(found.problems[0].what, "has the same pool name, math, as libmath.so; neither gets a pool");
}

TEST(Discover, IsBounded) {
    std::vector<Entry> entries;
    for (std::size_t number = 0; number < limits::pools + 3; ++number)
        entries.push_back({"p" + std::to_string(1000 + number) + ".so"});
    const auto found = discover("/p", entries);
    EXPECT_EQ(found.libraries.size(), limits::pools);
    EXPECT_EQ(found.problems.size(), 3U);
    EXPECT_THAT(found.problems[0].what, HasSubstr("256"));
}

TEST(LibraryCandidates, AreInAnOrderThatIsDocumented) {
    EXPECT_THAT(library_candidates("math", "/p"), ElementsAre("/p/libmath.so", "/p/math.so"));
    EXPECT_THAT(library_candidates("libmath.so", "/p"), ElementsAre("/p/libmath.so"));
    EXPECT_THAT(library_candidates("/x/libmath.so", "/p"), ElementsAre("/x/libmath.so"));
}

class Folder : public testing::Test {
   protected:
    Folder() {
        std::string name = testing::TempDir() + "caisson-discover-XXXXXX";
        if (!::mkdtemp(name.data())) throw std::runtime_error{"mkdtemp"};
        path_ = name;
    }
    ~Folder() override {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path path_;
};

TEST_F(Folder, IsListedWithKinds) {
    std::ofstream{path_ / "libfile.so"} << "x";
    std::filesystem::create_directory(path_ / "libdir.so");
    std::filesystem::create_symlink("libfile.so", path_ / "liblink.so");
    std::filesystem::create_symlink("nowhere", path_ / "libgone.so");
    std::filesystem::create_symlink("libloop.so", path_ / "libloop.so");
    ASSERT_EQ(::mkfifo((path_ / "libpipe.so").c_str(), 0600), 0);
    const auto entries = list_folder(path_);
    ASSERT_TRUE(entries);
    EXPECT_THAT(*entries, ElementsAre(Entry{"libdir.so", EntryKind::directory}, Entry{"libfile.so", EntryKind::file},
                                      Entry{"libgone.so", EntryKind::dangling}, Entry{"liblink.so", EntryKind::file},
                                      Entry{"libloop.so", EntryKind::dangling}, Entry{"libpipe.so", EntryKind::fifo}));
    EXPECT_EQ(look_at(path_ / "nothing"), std::nullopt);
}

TEST_F(Folder, MustBeThere) {
    const auto entries = list_folder(path_ / "nothing");
    ASSERT_FALSE(entries);
    EXPECT_THAT(entries.error().text(), HasSubstr("No such file or directory"));
    EXPECT_THAT(entries.error().hint, HasSubstr("plugin_dir"));
}

}  // namespace
}  // namespace caisson::settings
