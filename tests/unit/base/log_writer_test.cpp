// SPDX-License-Identifier: Apache-2.0
/// What becomes of log lines when nothing can be written.
#include "base/log_writer.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/log.hpp"
#include "base/log_journal.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson {
namespace {

using testing::HasSubstr;

std::string excuse(std::string_view message, std::uint64_t count, std::string_view why) {
    return cat(message, ' ', count, ' ', why, '\n');
}

std::string read(const std::filesystem::path& file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
}

class LogWriterTest : public testing::Test {
   protected:
    std::filesystem::path path_ = std::filesystem::path{testing::TempDir()} / cat("caisson-log-writer-", ::getpid());
    ~LogWriterTest() override { std::filesystem::remove(path_); }
};

// The file may not grow beyond a bound: what a full disk does, for one process and without root.
struct FullDisk {
    rlimit before{};
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before);
        const rlimit now{.rlim_cur = bytes, .rlim_max = before.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &now);
    }
    ~FullDisk() { ::setrlimit(RLIMIT_FSIZE, &before); }
};

TEST_F(LogWriterTest, AFullDiskCostsLinesAndIsSaidWhenThereIsRoomAgain) {
    auto writer = LogWriter::open(path_, false);
    ASSERT_TRUE(writer);
    writer->write("first\n", excuse);
    {
        const FullDisk full{10};
        writer->write("second that is cut\n", excuse);
        writer->write("third\n", excuse);
        writer->write("fourth\n", excuse);
    }
    EXPECT_EQ(writer->lost(), 3U);
    writer->write("fifth\n", excuse);
    const auto text = read(path_);
    EXPECT_THAT(text, HasSubstr("first\n"));
    EXPECT_THAT(text, HasSubstr("\nlog lines could not be written 3 File too large\nfifth\n"));
    EXPECT_EQ(writer->lost(), 3U);
}

TEST_F(LogWriterTest, ADeviceThatIsAlwaysFullIsNeverTheEnd) {
    auto writer = LogWriter::open("/dev/full", false);
    ASSERT_TRUE(writer);
    for (int i = 0; i < 1000; ++i) writer->write("line\n", excuse);
    EXPECT_EQ(writer->lost(), 1000U);
}

TEST_F(LogWriterTest, WhatTheQueueDroppedIsSaidOnce) {
    auto writer = LogWriter::open(path_, false);
    ASSERT_TRUE(writer);
    for (const std::uint64_t total : {0U, 7U, 7U, 9U}) writer->note_overrun(total, excuse);
    EXPECT_EQ(read(path_), "log lines dropped: the writer is behind 7 \nlog lines dropped: the writer is behind 2 \n");
}

// A log at standard error, whose reader has stopped.
class StoppedReader : public testing::Test {
   protected:
    StoppedReader() {
        auto ends = sys::pipe();
        reader_ = std::move(ends->first);
        ::fflush(stderr);
        before_.reset(::dup(STDERR_FILENO));
        ::dup2(ends->second.get(), STDERR_FILENO);
    }
    ~StoppedReader() override { ::dup2(before_.get(), STDERR_FILENO); }
    Fd reader_;
    Fd before_;
};

TEST_F(StoppedReader, StopsNeitherWhoLogsNorTheEnd) {
    const std::string line(1000, 'x');
    std::uint64_t dropped = 0;
    std::size_t remembered = 0;
    {
        auto log = Log::open({});
        ASSERT_TRUE(log);
        for (int i = 0; i < 20'000; ++i) log->info(line);
        dropped = log->dropped();
        remembered = log->records().last({.limit = 100'000}).records.size();
    }  // comes to its end, although nobody reads
    EXPECT_GT(dropped, 10'000U);
    EXPECT_GT(remembered, 500U);
}

TEST_F(StoppedReader, WhoReadsAgainIsToldWhatWasDropped) {
    auto log = Log::open({});
    ASSERT_TRUE(log);
    const std::string line(1000, 'x');
    while (log->dropped() == 0) log->info(line);
    std::string text;
    const std::jthread reads{[&] {
        std::array<char, 65'536> bytes;
        while (text.find("the last line") == std::string::npos) {
            const auto got = ::read(reader_.get(), bytes.data(), bytes.size());
            if (got <= 0) return;
            text.append(bytes.data(), static_cast<std::size_t>(got));
        }
    }};
    log->info("the last line");
    {
        const auto gone = std::move(*log);
    }
    // Its end is the end of the pipe, for this test's own copy of the error stream is given back first.
    ::dup2(before_.get(), STDERR_FILENO);
    const_cast<std::jthread&>(reads).join();
    EXPECT_THAT(text, HasSubstr("log lines dropped: the writer is behind count="));
    EXPECT_THAT(text, HasSubstr("the last line"));
}

TEST(Journal, IsWhatTheVariableNamesAndNotTheVariable) {
    struct stat facts{};
    ASSERT_EQ(::fstat(STDERR_FILENO, &facts), 0);
    ::unsetenv("JOURNAL_STREAM");
    EXPECT_FALSE(stderr_is_journal());
    ::setenv("JOURNAL_STREAM", cat(facts.st_dev, ':', facts.st_ino).c_str(), 1);
    EXPECT_TRUE(stderr_is_journal());
    for (const auto& other : {cat(facts.st_dev, ':', facts.st_ino + 1), cat(facts.st_dev + 1, ':', facts.st_ino),
                              std::string{"nonsense"}, std::string{":"}}) {
        ::setenv("JOURNAL_STREAM", other.c_str(), 1);
        EXPECT_FALSE(stderr_is_journal()) << other;
    }
    ::unsetenv("JOURNAL_STREAM");
}

}  // namespace
}  // namespace caisson
