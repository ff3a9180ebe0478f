// SPDX-License-Identifier: Apache-2.0
#include "fleet/library.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "fleet/librarian.hpp"

namespace caisson::fleet {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using namespace std::chrono_literals;

const fs::path fixtures = fs::path{CAISSON_FIXTURES} / "plugins";

class LibraryTest : public testing::Test {
   protected:
    LibraryTest() {
        std::string name = (fs::temp_directory_path() / "caisson-library-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
        folder_ = name;
    }
    ~LibraryTest() override { fs::remove_all(folder_); }

    [[nodiscard]] LibraryRef read(const fs::path& file) const {
        auto library = read_library(file, over_);
        EXPECT_TRUE(library) << library.error().text();
        return library ? *library : nullptr;
    }
    [[nodiscard]] std::string refusal(const fs::path& file) const {
        const auto library = read_library(file, over_);
        return library ? "read" : library.error().text();
    }

    fs::path folder_;
    std::atomic<bool> over_ = false;
};

TEST_F(LibraryTest, IsASealedCopyOfTheFile) {
    const auto library = read(fixtures / "version_1.so");
    ASSERT_TRUE(library->image);
    EXPECT_TRUE(sys::check_sealed(library->image, fs::file_size(fixtures / "version_1.so")));
    EXPECT_EQ(::write(library->image.get(), "x", 1), -1) << "nobody changes it";
    EXPECT_EQ(library->hash.size(), 32U);
    EXPECT_EQ(library->by_path, "");
    EXPECT_EQ(library->stamp, stamp_of(fixtures / "version_1.so"));
}

TEST_F(LibraryTest, IsTheSameVersionIfItsBytesAre) {
    fs::copy_file(fixtures / "version_1.so", folder_ / "copy.so");
    const auto one = read(fixtures / "version_1.so");
    EXPECT_TRUE(same_version(one, read(folder_ / "copy.so")));
    EXPECT_FALSE(same_version(one, read(fixtures / "version_2.so")));
    EXPECT_FALSE(same_version(one, nullptr));
    EXPECT_TRUE(same_version(nullptr, nullptr));
}

TEST_F(LibraryTest, ThatLooksBesideItselfIsLoadedByItsPath) {
    const auto library = read(fixtures / "beside.so");
    EXPECT_FALSE(library->image);
    EXPECT_THAT(library->by_path, HasSubstr("$ORIGIN"));
    fs::copy_file(fixtures / "beside.so", folder_ / "beside.so");
    EXPECT_FALSE(same_version(library, read(folder_ / "beside.so"))) << "elsewhere it finds other libraries";
}

TEST_F(LibraryTest, IsReadOnlyIfItIsAFileOfASensibleSize) {
    EXPECT_THAT(refusal(folder_ / "none.so"), HasSubstr("No such file"));
    EXPECT_THAT(refusal(folder_), HasSubstr("no regular file"));
    ASSERT_EQ(::mkfifo((folder_ / "fifo.so").c_str(), 0600), 0);
    EXPECT_THAT(refusal(folder_ / "fifo.so"), HasSubstr("no regular file"));
    std::ofstream{folder_ / "empty.so"};
    EXPECT_THAT(refusal(folder_ / "empty.so"), HasSubstr("is empty"));
    std::ofstream{folder_ / "large.so"} << "x";
    fs::resize_file(folder_ / "large.so", limits::library_bytes + 1);
    EXPECT_THAT(refusal(folder_ / "large.so"), HasSubstr("above the bound"));
    over_ = true;
    EXPECT_THAT(refusal(fixtures / "version_1.so"), HasSubstr("given up"));
}

TEST_F(LibraryTest, ThatBecomesAnotherWhileItIsReadIsAskedForAgain) {
    // A file that grows as it is read: everything that is in it comes from a thread that does not stop writing.
    const auto file = folder_ / "growing.so";
    std::ofstream{file} << "begun";
    std::atomic<bool> enough = false;
    std::thread writer{[&] {
        const Fd out{::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
        while (!enough && ::write(out.get(), "more", 4) == 4) {
        }
    }};
    bool told = false;
    for (const auto until = Clock::now() + 10s; !told && Clock::now() < until;) {
        const auto library = read_library(file, over_);
        told = !library && library.error().number == EAGAIN;
    }
    enough = true;
    writer.join();
    EXPECT_TRUE(told);
}

TEST_F(LibraryTest, IsReadByTheLibrarianUnlessItIsKnown) {
    Loop loop;
    Librarian librarian{loop};
    std::vector<Result<LibraryRef>> read;
    const auto note = [&](Result<LibraryRef> result) {
        read.push_back(std::move(result));
        if (read.size() == 3) loop.stop();
    };
    librarian.read(fixtures / "version_1.so", "", note);
    librarian.read(fixtures / "version_1.so", stamp_of(fixtures / "version_1.so"), note);
    librarian.read(folder_ / "none.so", "", note);
    EXPECT_TRUE(read.empty()) << "never from inside the call";
    loop.run();
    ASSERT_EQ(read.size(), 3U);
    ASSERT_TRUE(read[0]);
    EXPECT_NE(*read[0], nullptr);
    ASSERT_TRUE(read[1]);
    EXPECT_EQ(*read[1], nullptr);
    EXPECT_FALSE(read[2]);
}

}  // namespace
}  // namespace caisson::fleet
