// SPDX-License-Identifier: Apache-2.0
#include "host/output_ring.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/codec.hpp"

namespace caisson::host {
namespace {

class OutputRingTest : public testing::Test {
   protected:
    void put(std::string_view text) { ring_.put(wire::bytes_of(text)); }
    [[nodiscard]] std::string unsent() const {
        const auto pieces = ring_.unsent();
        return std::string{wire::Frame::text(pieces[0])} + std::string{wire::Frame::text(pieces[1])};
    }

    std::vector<std::byte> memory_ = std::vector<std::byte>(16);
    std::atomic<std::uint64_t> written_ = 0;
    std::atomic<std::uint64_t> run_end_ = 0;
    std::atomic<std::uint64_t> reserved_ = 0;
    OutputRing ring_{memory_, {written_, run_end_, reserved_}};
};

TEST_F(OutputRingTest, NothingIsSeenBeforeItIsPublished) {
    put("abc");
    EXPECT_EQ(written_, 0U);
    EXPECT_EQ(unsent(), "");
    put("def");
    ring_.publish();
    EXPECT_EQ(written_, 6U);
    EXPECT_EQ(unsent(), "abcdef");
}

TEST_F(OutputRingTest, SendingMakesRoom) {
    put("0123456789");
    ring_.publish();
    EXPECT_EQ(ring_.room(), 6U);
    ring_.mark_sent(4);
    EXPECT_EQ(ring_.room(), 10U);
    EXPECT_EQ(unsent(), "456789");
    EXPECT_EQ(written_, 10U);
}

TEST_F(OutputRingTest, WrapsAroundTheEnd) {
    put("0123456789ab");
    ring_.publish();
    ring_.mark_sent(12);
    put("ABCDEFGH");
    ring_.publish();
    EXPECT_EQ(written_, 20U);
    EXPECT_EQ(ring_.unsent()[0].size(), 4U);
    EXPECT_EQ(ring_.unsent()[1].size(), 4U);
    EXPECT_EQ(unsent(), "ABCDEFGH");
    // Byte n of the stream stands at n modulo the size: that is where the supervisor looks for it.
    EXPECT_EQ(memory_[12], std::byte{'A'});
    EXPECT_EQ(memory_[0], std::byte{'E'});
    ring_.mark_sent(6);
    EXPECT_EQ(unsent(), "GH");
}

TEST_F(OutputRingTest, RecordsSurviveBeforeTheirFrameIsSent) {
    put("HEAD");
    ring_.put_record(wire::bytes_of("ab"));
    EXPECT_EQ(written_, 0U);
    EXPECT_EQ(run_end_, 10U);
    EXPECT_EQ(reserved_, 10U);
    EXPECT_EQ(unsent(), "");
    ring_.put_over(wire::bytes_of("head"));
    ring_.publish();
    EXPECT_EQ(written_, 10U);
    EXPECT_EQ(unsent(), std::string("head\2\0\0\0ab", 10));
    ring_.mark_sent(10);
    ring_.put_record(wire::bytes_of("CDEFGH"));  // around the end
    EXPECT_EQ(run_end_, 20U);
    ring_.publish();
    EXPECT_EQ(unsent(), std::string("\6\0\0\0CDEFGH", 10));
}

TEST_F(OutputRingTest, OnlyWhatIsNotPublishedIsWrittenOver) {
    put("abcd");
    ring_.publish();
    EXPECT_DEATH(ring_.put_over(wire::bytes_of("x")), "not published");
}

TEST_F(OutputRingTest, TakesExactlyItsSize) {
    put("0123456789abcdef");
    ring_.publish();
    EXPECT_EQ(ring_.room(), 0U);
    EXPECT_EQ(unsent(), "0123456789abcdef");
    ring_.mark_sent(16);
    EXPECT_EQ(ring_.room(), 16U);
    EXPECT_EQ(unsent(), "");
}

TEST_F(OutputRingTest, TooMuchIsABug) { EXPECT_DEATH(put("0123456789abcdefg"), "no room"); }

TEST_F(OutputRingTest, DoesNotBelieveTheSharedCounter) {
    put("abc");
    ring_.publish();
    written_ = ~std::uint64_t{0};  // a plugin scribbled
    EXPECT_EQ(unsent(), "abc");
    EXPECT_EQ(ring_.room(), 13U);
}

}  // namespace
}  // namespace caisson::host
