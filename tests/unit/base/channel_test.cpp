// SPDX-License-Identifier: Apache-2.0
#include "base/channel.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/system.hpp"

namespace caisson {
namespace {

using wire::Type;

class ChannelTest : public ::testing::Test {
   protected:
    ChannelTest() {
        auto pair = sys::socket_pair(SOCK_STREAM);
        EXPECT_TRUE(pair);
        EXPECT_TRUE(sys::set_nonblocking(pair->first.get()));
        peer_ = std::move(pair->second);
        channel_.emplace(loop_, std::move(pair->first),
                         Channel::Handlers{.on_frame =
                                               [this](const wire::Frame& frame) {
                                                   heard_.push_back(frame.header.id);
                                                   if (frame.header.type == Type::stop) loop_.stop();
                                                   if (frame.header.type == pause_at_) channel_->pause_reading();
                                                   bodies_ += wire::Frame::text(frame.body());
                                                   if (frame.header.type == meanwhile_at_) meanwhile_();
                                               },
                                           .on_end =
                                               [this](const Channel::Ending& ending) {
                                                   ending_ = ending.kind;
                                                   loop_.stop();
                                               },
                                           .on_gone =
                                               [this] {
                                                   gone_ = true;
                                                   channel_->resume_reading();
                                               }});
    }

    static wire::Buffer frame(Type type, std::uint64_t id, std::string_view body = {}) {
        wire::Buffer out;
        wire::append_frame(out, {.type = type, .id = id}, std::string_view{}, {}, wire::bytes_of(body));
        return out;
    }
    /// A frame at which `meanwhile` is done, among others.
    void say_among_others(std::function<void()> meanwhile) {
        meanwhile_at_ = Type::ready;
        meanwhile_ = std::move(meanwhile);
        auto all = frame(Type::cancel, 1, "a");
        for (const auto& more : {frame(Type::ready, 2, "b"), frame(Type::cancel, 3, "c"), frame(Type::stop, 4, "d")})
            all.insert(all.end(), more.begin(), more.end());
        say(all);
    }
    void say(std::span<const std::byte> bytes) {
        ASSERT_EQ(::write(peer_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }

    Loop loop_;
    Fd peer_;
    std::optional<Channel> channel_;
    std::vector<std::uint64_t> heard_;
    std::optional<Channel::Ending::Kind> ending_;
    std::optional<Type> pause_at_;
    std::optional<Type> meanwhile_at_;
    std::function<void()> meanwhile_;
    std::string bodies_;
    bool gone_ = false;
};

TEST_F(ChannelTest, FramesOfOneTurnLeaveTogether) {
    loop_.post([&] {
        for (std::uint64_t id = 1; id <= 10; ++id) channel_->send({.type = Type::cancel, .id = id});
        EXPECT_EQ(channel_->waiting_bytes(), 10 * sizeof(wire::Header));
        loop_.at_end_of_turn([&] { loop_.stop(); });
    });
    loop_.run();
    std::byte bytes[1024];
    EXPECT_EQ(::recv(peer_.get(), bytes, sizeof bytes, MSG_DONTWAIT), static_cast<ssize_t>(10 * sizeof(wire::Header)));
    EXPECT_EQ(channel_->waiting_bytes(), 0U);
}

TEST_F(ChannelTest, WhatWasTakenAheadIsNotHeardTwice) {
    const auto one = frame(Type::result, 1, "abc");
    const auto two = frame(Type::result, 2);
    const auto end = frame(Type::stop, 3);
    channel_->take_ahead(one);
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1}));
    EXPECT_EQ(channel_->stream_offset(), one.size());
    say(one);
    say(two);
    say(end);
    loop_.run();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST_F(ChannelTest, AFrameThatWasCutOffIsCompletedAfterTheEnd) {
    const auto one = frame(Type::result, 1, "abcdefgh");
    const std::span<const std::byte> all{one};
    say(all.first(35));
    peer_.reset();
    loop_.run();
    EXPECT_EQ(ending_, Channel::Ending::Kind::cut_off);
    EXPECT_TRUE(heard_.empty());
    channel_->take_ahead(all.subspan(35));
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1}));
}

TEST_F(ChannelTest, GarbageEndsIt) {
    say(std::vector<std::byte>(64, std::byte{0xFF}));
    loop_.run();
    EXPECT_EQ(ending_, Channel::Ending::Kind::garbage);
    EXPECT_TRUE(channel_->closed());
}

TEST_F(ChannelTest, AGoodEndIsBetweenFrames) {
    say(frame(Type::result, 1));
    peer_.reset();
    loop_.run();
    EXPECT_EQ(heard_.size(), 1U);
    EXPECT_EQ(ending_, Channel::Ending::Kind::closed);
}

TEST_F(ChannelTest, ASlowPeerGetsEverythingInOrder) {
    constexpr std::size_t count = 3000;
    const std::string body(1000, 'x');
    loop_.post([&] {
        for (std::uint64_t id = 0; id < count; ++id)
            channel_->send({.type = Type::chunk, .id = id}, {}, {}, wire::bytes_of(body));
    });
    wire::FrameReader reader;
    std::uint64_t next = 0;
    auto watch = loop_.watch(peer_.get());
    watch.on_readable([&] {
        const auto room = reader.prepare(7777);
        const auto got = ::recv(peer_.get(), room.data(), room.size(), 0);
        ASSERT_GT(got, 0);
        reader.commit(static_cast<std::size_t>(got));
        while (const auto frame = reader.next()) EXPECT_EQ(frame->header.id, next++);
        if (next == count) loop_.stop();
    });
    loop_.run();
    EXPECT_EQ(next, count);
}

TEST_F(ChannelTest, DrainTakesWhatHasArrivedAndReportsNoEnd) {
    say(frame(Type::result, 1));
    say(frame(Type::result, 2));
    peer_.reset();
    channel_->drain();
    EXPECT_EQ(heard_.size(), 2U);
    EXPECT_FALSE(ending_);
}

TEST_F(ChannelTest, APeerThatGoesWhileReadingIsPausedIsNoticedAndAllThatItSaidIsHeard) {
    channel_->pause_reading();
    for (std::uint64_t id = 1; id <= 3; ++id) say(frame(Type::cancel, id));
    peer_.reset();
    loop_.run();
    EXPECT_TRUE(gone_);
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(ending_, Channel::Ending::Kind::closed);
}

// They were read before the pause, and the end is at hand when it is over.
TEST_F(ChannelTest, FramesThatWaitedInAPauseComeBeforeTheEnd) {
    auto all = frame(Type::ready, 1);
    for (std::uint64_t id = 2; id <= 5; ++id) {
        const auto more = frame(Type::cancel, id);
        all.insert(all.end(), more.begin(), more.end());
    }
    pause_at_ = Type::ready;
    say(all);
    peer_.reset();
    loop_.run();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
    EXPECT_EQ(ending_, Channel::Ending::Kind::closed);
}

TEST_F(ChannelTest, OnlyTheBeginningOfAFrameHasMemoryOfItsOwnAndOnlyUntilItsEnd) {
    auto first = frame(Type::cancel, 1, "abc");
    const auto second = frame(Type::stop, 2, "def");
    first.insert(first.end(), second.begin(), second.begin() + 33);
    say(first);
    loop_.run_turn();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1}));
    EXPECT_GT(channel_->memory_bytes(), 0U);
    EXPECT_LT(channel_->memory_bytes(), 100U);
    say(std::span{second}.subspan(33));
    loop_.run_turn();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(bodies_, "abcdef");
    EXPECT_EQ(channel_->memory_bytes(), 0U);
}

TEST_F(ChannelTest, ALargeFrameThatComesInPiecesLeavesNoMemoryBehind) {
    std::string body(1'000'000, '.');
    for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>('a' + i % 23);
    const auto large = frame(Type::result, 1, body);
    const auto end = frame(Type::stop, 2);
    std::span<const std::byte> rest{large};
    std::size_t most = 0;
    while (!rest.empty()) {
        const auto sent = ::send(peer_.get(), rest.data(), rest.size(), MSG_DONTWAIT);
        ASSERT_GT(sent, 0);
        rest = rest.subspan(static_cast<std::size_t>(sent));
        loop_.run_turn();
        most = std::max(most, channel_->memory_bytes());
    }
    say(end);
    loop_.run();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_EQ(bodies_, body);
    EXPECT_GT(most, 0U);
    EXPECT_EQ(channel_->memory_bytes(), 0U);
}

// What follows happens while frames of the scratch are being handed out.

TEST_F(ChannelTest, FramesBehindAPauseAreKeptUntilItIsOver) {
    say_among_others([&] {
        channel_->pause_reading();
        loop_.post([&] {
            EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2}));
            EXPECT_GT(channel_->memory_bytes(), 0U);
            channel_->resume_reading();
        });
    });
    loop_.run();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4}));
    EXPECT_EQ(bodies_, "abcd");
    EXPECT_EQ(channel_->memory_bytes(), 0U);
}

TEST_F(ChannelTest, AnotherGoesOnInTheMiddleOfAFrameAndOfWhatIsSaid) {
    pause_at_ = Type::cancel;
    auto all = frame(Type::cancel, 1, "a");
    const auto next = frame(Type::call, 2, "the second");
    const auto half = next.size() / 2;
    all.insert(all.end(), next.begin(), next.begin() + static_cast<std::ptrdiff_t>(half));
    say(all);
    loop_.run_turn();
    EXPECT_EQ(heard_, std::vector<std::uint64_t>{1});
    // More than the socket takes at once.
    const std::string large(4'000'000, 'x');
    channel_->send({.type = Type::chunk, .id = 5}, {}, {}, wire::bytes_of(large));
    loop_.run_posts();
    ASSERT_GT(channel_->waiting_bytes(), 0U);

    auto rest = channel_->release();
    EXPECT_TRUE(channel_->closed());
    EXPECT_EQ(rest.received.size(), half);
    std::vector<std::string> heard;
    Channel other{loop_,
                  std::move(rest.socket),
                  {.on_frame =
                       [&](const wire::Frame& frame) {
                           heard.emplace_back(wire::Frame::text(frame.body()));
                           loop_.stop();
                       },
                   .on_end = [this](const Channel::Ending&) { loop_.stop(); }}};
    other.resume(std::move(rest));
    say(std::span{next}.subspan(half));
    loop_.run();
    EXPECT_EQ(heard, std::vector<std::string>{"the second"});

    std::string said;
    ASSERT_TRUE(sys::set_nonblocking(peer_.get()));
    const auto wanted = sizeof(wire::Header) + large.size();
    while (said.size() < wanted) {
        std::string piece(65536, '\0');
        const auto count = ::read(peer_.get(), piece.data(), piece.size());
        if (count > 0)
            said.append(piece, 0, static_cast<std::size_t>(count));
        else
            loop_.run_turn(Clock::now() + std::chrono::milliseconds{100});
    }
    EXPECT_EQ(said.size(), wanted);
    EXPECT_EQ(said.substr(sizeof(wire::Header)), large);
}

TEST_F(ChannelTest, AHandlerThatClosesHearsNothingMore) {
    say_among_others([&] {
        channel_->close();
        loop_.stop();
    });
    loop_.run();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2}));
    EXPECT_FALSE(ending_);
}

TEST_F(ChannelTest, AHandlerMayReadAnotherChannel) {
    auto pair = sys::socket_pair(SOCK_STREAM);
    ASSERT_TRUE(pair);
    ASSERT_TRUE(sys::set_nonblocking(pair->first.get()));
    std::string others;
    Channel other{loop_,
                  std::move(pair->first),
                  {.on_frame = [&](const wire::Frame& frame) { others += wire::Frame::text(frame.body()); },
                   .on_end = [](const Channel::Ending&) {}}};
    const auto theirs = frame(Type::result, 9, "their own");
    ASSERT_EQ(::write(pair->second.get(), theirs.data(), theirs.size()), static_cast<ssize_t>(theirs.size()));
    std::string heard_there;
    say_among_others([&] {
        other.read_all();
        heard_there = others;
    });
    loop_.run();
    EXPECT_EQ(heard_there, "their own");
    EXPECT_EQ(bodies_, "abcd");
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4}));
    EXPECT_EQ(other.memory_bytes(), 0U);
}

TEST_F(ChannelTest, AHandlerMayReadItsOwnChannelAndTheOrderStays) {
    for (const bool drains : {false, true}) {
        heard_.clear();
        bodies_.clear();
        say_among_others([&] {
            say(frame(Type::cancel, 5, "e"));
            drains ? channel_->drain() : channel_->read_all();
            EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
        });
        loop_.run();
        EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
        EXPECT_EQ(bodies_, "abcde");
        EXPECT_EQ(channel_->memory_bytes(), 0U);
    }
}

TEST_F(ChannelTest, AHandlerMayTakeAheadAndTheOrderStays) {
    const auto ahead = frame(Type::cancel, 5, "e");
    say_among_others([&] {
        channel_->take_ahead(ahead);
        EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
        say(ahead);  // comes again, and is dropped
        say(frame(Type::stop, 6, "f"));
    });
    loop_.run();
    while (heard_.back() != 6) loop_.run_turn();
    EXPECT_EQ(heard_, (std::vector<std::uint64_t>{1, 2, 3, 4, 5, 6}));
    EXPECT_EQ(bodies_, "abcdef");
}

}  // namespace
}  // namespace caisson
