// SPDX-License-Identifier: Apache-2.0
#include "keeper/zygotes.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

namespace caisson::keeper {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace std::chrono_literals;

constexpr TimePoint t0{1000s};

/// The keeper's zygotes, and the other end of one, 7.
class ZygotesTest : public testing::Test {
   protected:
    void SetUp() override {  // NOLINT(readability-identifier-naming): GoogleTest's name
        auto end = zygotes_.add(7);
        ASSERT_TRUE(end);
        end_ = std::move(*end);
    }
    int ask(std::uint64_t id) { return zygotes_.ask(7, id, "pool/1", files_); }
    void reply(std::uint64_t id, std::int32_t pid) const {
        const CopyReply said{.id = id, .pid = pid};
        ASSERT_EQ(::send(end_.get(), &said, sizeof said, 0), static_cast<ssize_t>(sizeof said));
    }

    std::vector<Fd> files_ = [] {
        std::vector<Fd> files;
        files.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        return files;
    }();
    Zygotes zygotes_;
    Fd end_;
};

TEST_F(ZygotesTest, AskAndAreAnsweredInOrder) {
    EXPECT_FALSE(zygotes_.busy());
    EXPECT_EQ(zygotes_.wait_ms(), -1);
    ASSERT_EQ(ask(20), 0);
    ASSERT_EQ(ask(21), 0);
    EXPECT_TRUE(zygotes_.busy());
    EXPECT_GT(zygotes_.wait_ms(), 0);
    EXPECT_FALSE(zygotes_.next());

    CopyRequest request;
    ASSERT_EQ(::recv(end_.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
    EXPECT_EQ(request.id, 20U);
    EXPECT_STREQ(request.name.data(), "pool/1");
    reply(20, 4711);
    reply(21, 4712);
    const auto first = zygotes_.next();
    ASSERT_TRUE(first);
    EXPECT_EQ(first->zygote, 7U);
    EXPECT_EQ(first->reply.pid, 4711);
    EXPECT_TRUE(zygotes_.busy());
    EXPECT_EQ(zygotes_.next()->reply.pid, 4712);
    EXPECT_FALSE(zygotes_.busy());
    EXPECT_THAT(zygotes_.take_condemned(t0), IsEmpty());
}

TEST_F(ZygotesTest, LongNamesAreCut) {
    ASSERT_EQ(zygotes_.ask(7, 20, std::string(100, 'x'), files_), 0);
    CopyRequest request;
    ASSERT_EQ(::recv(end_.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
    EXPECT_EQ(std::string{request.name.data()}, std::string(15, 'x'));
}

TEST_F(ZygotesTest, AnswersThatNobodyAskedForCondemn) {
    ASSERT_EQ(ask(20), 0);
    reply(21, 4711);
    EXPECT_FALSE(zygotes_.next());
    EXPECT_THAT(zygotes_.take_condemned(t0), ElementsAre(7U));
    EXPECT_THAT(zygotes_.take_condemned(t0), IsEmpty()) << "once";
    EXPECT_EQ(ask(22), ESRCH) << "it is not listened to any more";
}

TEST_F(ZygotesTest, NonsenseCondemns) {
    ASSERT_EQ(::send(end_.get(), "nonsense", 8, 0), 8);
    EXPECT_FALSE(zygotes_.next());
    EXPECT_THAT(zygotes_.take_condemned(t0), ElementsAre(7U));
}

TEST_F(ZygotesTest, ItsEndLeavesWhatItOwes) {
    ASSERT_EQ(ask(20), 0);
    ASSERT_EQ(ask(21), 0);
    EXPECT_THAT(zygotes_.remove(7), ElementsAre(20U, 21U));
    EXPECT_FALSE(zygotes_.busy());
    EXPECT_EQ(ask(22), ESRCH);
    EXPECT_THAT(zygotes_.remove(7), IsEmpty());
}

TEST_F(ZygotesTest, SilenceCondemnsAfterManyLooksAndNotAfterOneLongPause) {
    ASSERT_EQ(ask(20), 0);
    const auto now = Clock::now();
    EXPECT_THAT(zygotes_.take_condemned(now), IsEmpty()) << "too early for a look";
    EXPECT_THAT(zygotes_.take_condemned(now + 1h), IsEmpty()) << "all of us may have been stopped";
    std::vector<std::uint64_t> condemned;
    int looks = 1;
    for (; condemned.empty() && looks < 100; ++looks) condemned = zygotes_.take_condemned(now + 1h + looks * 1s);
    EXPECT_THAT(condemned, ElementsAre(7U));
    EXPECT_EQ(looks, 8);
}

TEST_F(ZygotesTest, AnUnknownZygoteCannotBeAsked) { EXPECT_EQ(zygotes_.ask(8, 20, "pool/1", files_), ESRCH); }

}  // namespace
}  // namespace caisson::keeper
