// SPDX-License-Identifier: Apache-2.0
#include "apps/handover.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apps/parcel.hpp"
#include "base/system.hpp"

namespace caisson::apps {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

Fd memory_with(std::string_view text) { return std::move(*memory_of(text)); }
std::string text_in(const Fd& memory) { return *bytes_of(memory, 1024); }

Result<Message> there_and_back(Message message) {
    auto datagram = encode(std::move(message));
    if (!datagram) return std::unexpected(datagram.error());
    return decode(std::move(*datagram));
}

TEST(Handover, AMessageArrivesWithItsDescriptors) {
    Message message{.document = {{"type", "offer"}, {"number", 7}, {"flag", true}}};
    message.descriptors.push_back({"a", memory_with("first")});
    message.descriptors.push_back({"b", memory_with("second")});
    message.descriptors.push_back({"a", memory_with("third")});
    auto arrived = there_and_back(std::move(message));
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->type(), "offer");
    EXPECT_EQ(arrived->number("number"), 7U);
    EXPECT_TRUE(arrived->flag("flag"));
    EXPECT_EQ(arrived->text("number"), "") << "it is no text";
    EXPECT_EQ(text_in(arrived->take("a")), "first");
    EXPECT_EQ(text_in(arrived->take("a")), "third");
    EXPECT_EQ(text_in(arrived->take("b")), "second");
    EXPECT_FALSE(arrived->take("a"));
}

TEST(Handover, ALargeDocumentTravelsBesideTheDatagram) {
    const std::string large(1'000'000, 'x');
    Message message{.document = {{"type", "commit"}, {"state", large}}};
    message.descriptors.push_back({"a", memory_with("first")});
    auto datagram = encode(std::move(message));
    ASSERT_TRUE(datagram);
    EXPECT_LT(datagram->text.size(), 1000U);
    auto arrived = decode(std::move(*datagram));
    ASSERT_TRUE(arrived);
    EXPECT_EQ(arrived->text("state"), large);
    EXPECT_EQ(text_in(arrived->take("a")), "first");
}

TEST(Handover, NonsenseIsAnError) {
    EXPECT_FALSE(decode({.text = "", .descriptors = {}}));
    EXPECT_FALSE(decode({.text = "[]", .descriptors = {}}));
    EXPECT_FALSE(decode({.text = "{\"descriptors\":[\"a\"]}", .descriptors = {}}));
    Datagram unnamed{.text = "{}", .descriptors = {}};
    unnamed.descriptors.push_back(memory_with("x"));
    EXPECT_FALSE(decode(std::move(unnamed)));
    Datagram no_memory{.text = "{\"descriptors\":[\"document\"]}", .descriptors = {}};
    no_memory.descriptors.emplace_back(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
    EXPECT_FALSE(decode(std::move(no_memory)));
}

TEST(Handover, ASessionArrivesAsItWas) {
    auto pair = sys::socket_pair(SOCK_STREAM);
    ASSERT_TRUE(pair);
    control::Session::Parcel parcel;
    parcel.greeted = true;
    parcel.rest.socket = std::move(pair->first);
    const auto received = wire::bytes_of("half a frame");
    const auto unsent = wire::bytes_of("an answer");
    parcel.rest.received.assign(received.begin(), received.end());
    parcel.rest.unsent.assign(unsent.begin(), unsent.end());
    parcel.rest.received_descriptors.push_back(memory_with("one"));
    parcel.rest.received_descriptors.push_back(memory_with("two"));

    auto message = message_of(std::move(parcel));
    ASSERT_TRUE(message);
    auto sent = there_and_back(std::move(*message));
    ASSERT_TRUE(sent);
    auto arrived = parcel_of(std::move(*sent));
    ASSERT_TRUE(arrived);
    EXPECT_TRUE(arrived->greeted);
    EXPECT_EQ(wire::Frame::text(arrived->rest.received), "half a frame");
    EXPECT_EQ(wire::Frame::text(arrived->rest.unsent), "an answer");
    ASSERT_EQ(arrived->rest.received_descriptors.size(), 2U);
    EXPECT_EQ(text_in(arrived->rest.received_descriptors[0]), "one");
    EXPECT_EQ(text_in(arrived->rest.received_descriptors[1]), "two");
    ASSERT_EQ(::write(arrived->rest.socket.get(), "x", 1), 1);
    char byte = 0;
    EXPECT_EQ(::read(pair->second.get(), &byte, 1), 1) << "it is the same socket";
}

TEST(Handover, ASessionWithWrongNumbersIsAnError) {
    EXPECT_FALSE(parcel_of({.document = {{"type", "session"}}})) << "it has no socket";
    for (const auto& [received, unsent] : {std::pair{1U, 1U}, {4U, 0U}, {0U, 0U}, {~0U, 4U}}) {
        Message message{.document = {{"received", received}, {"unsent", unsent}}};
        message.descriptors.push_back({"socket", memory_with("")});
        message.descriptors.push_back({"bytes", memory_with("123")});
        EXPECT_FALSE(parcel_of(std::move(message))) << received << ' ' << unsent;
    }
}

TEST(Handover, MoreThanTheSocketTakesWaits) {
    Loop loop;
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    ASSERT_TRUE(pair);
    constexpr std::uint64_t count = 500;
    std::uint64_t heard = 0;
    bool idle = false;
    bool ended = false;
    auto to = std::make_unique<Line>(loop, std::move(pair->first), Line::Handlers{[](Message) {}, [](const auto&) {}});
    const Line from{loop,
                    std::move(pair->second),
                    {[&](Message message) {
                         EXPECT_EQ(message.number("number"), heard++);
                         EXPECT_TRUE(message.take("a"));
                         if (heard == count) to.reset();
                     },
                     [&](const std::string& why) {
                         EXPECT_EQ(why, "");
                         ended = true;
                         loop.stop();
                     }}};
    const std::string padding(8'000, 'x');
    for (std::uint64_t number = 0; number < count; ++number) {
        Message message{.document = {{"number", number}, {"padding", padding}}};
        message.descriptors.push_back({"a", memory_with("first")});
        to->send(std::move(message));
    }
    EXPECT_FALSE(to->idle());
    to->on_idle([&] { idle = true; });
    loop.run();
    EXPECT_TRUE(idle);
    EXPECT_TRUE(ended);
    EXPECT_EQ(heard, count);
}

TEST(Handover, WhoSaysNothingIsNotWaitedForWithoutEnd) {
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    ASSERT_TRUE(pair);
    EXPECT_FALSE(Line::receive(pair->first, 1ms));
    pair->second.reset();
    const auto gone = Line::receive(pair->first, 1s);
    ASSERT_FALSE(gone);
    EXPECT_EQ(gone.error().what, "the other side has gone");
}

}  // namespace
}  // namespace caisson::apps
