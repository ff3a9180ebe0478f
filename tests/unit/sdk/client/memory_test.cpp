// SPDX-License-Identifier: Apache-2.0
/// Large bodies and outputs: they travel as sealed memfds, and what is not sealed is not believed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "base/fd.hpp"
#include "client/client.hpp"
#include "client/sealed.hpp"
#include "support/eventually.hpp"
#include "support/fake_service.hpp"

namespace caisson {
namespace {

using test::FakeService;
using testing::HasSubstr;
using namespace std::chrono_literals;
using Kind = ClientError::Kind;
using Call = FakeService::Call;
using Session = FakeService::Session;

constexpr auto patience = 10s;

Client connect(const FakeService& service) {
    auto client = Client::connect(service.socket(), patience);
    EXPECT_TRUE(client) << client.error().message;
    return std::move(*client);
}

// Answers with the flags of the call and its body.
FakeService::Script echo() {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, std::to_string(call.flags) + call.body);
    };
    return script;
}

// Text in which no two places look alike.
std::string pattern(std::size_t bytes) {
    std::string out(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>(i * 2654435761U >> 13);
    return out;
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all{"/proc/self/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

// The service runs in this process as well, and closes its own a moment later.
bool only_open(std::size_t descriptors) {
    return test::eventually([&] { return open_descriptors() == descriptors; });
}

Fd memory_with(std::string_view contents, int seals) {
    Fd memory{::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    EXPECT_EQ(::write(memory.get(), contents.data(), contents.size()), static_cast<ssize_t>(contents.size()));
    EXPECT_EQ(::fcntl(memory.get(), F_ADD_SEALS, seals), 0);
    return memory;
}

constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

TEST(Memory, MapsWhatIsThereAndClosesIt) {
    auto memory = memory_with("contents", all_seals);
    const int number = memory.get();
    auto mapped = Memory::map(memory.release(), 8);
    ASSERT_NE(mapped, nullptr);
    EXPECT_EQ(wire::Frame::text(mapped->bytes()), "contents");
    EXPECT_EQ(mapped->descriptor(), number);
    mapped.reset();
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

TEST(Memory, MayBeEmpty) {
    const auto mapped = Memory::map(memory_with("", all_seals).release(), 0);
    ASSERT_NE(mapped, nullptr);
    EXPECT_TRUE(mapped->bytes().empty());
}

TEST(Memory, OfADescriptorThatCannotBeMappedIsNone) {
    EXPECT_EQ(Memory::map(-1, 10), nullptr);
    EXPECT_EQ(Memory::map(::open("/", O_PATH | O_CLOEXEC), 10), nullptr);
}

TEST(Sealed, ACopyCannotBeChanged) {
    const auto copy = client::sealed_copy(wire::bytes_of("contents"));
    ASSERT_TRUE(copy);
    EXPECT_EQ(client::sealed_size(copy->get()), 8U);
    EXPECT_EQ(::ftruncate(copy->get(), 4), -1);
    EXPECT_EQ(::write(copy->get(), "x", 1), -1);
    EXPECT_EQ(::fcntl(copy->get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1) << "nor can its seals";
}

TEST(Sealed, WhatCanStillChangeIsNot) {
    for (const int seals : {0, F_SEAL_SHRINK, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_GROW | F_SEAL_WRITE})
        EXPECT_EQ(client::sealed_size(memory_with("x", seals).get()), std::nullopt) << seals;
    EXPECT_EQ(client::sealed_size(-1), std::nullopt);
    EXPECT_EQ(client::sealed_size(Fd{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)}.get()), std::nullopt);
}

TEST(LargeBody, TravelsAsAMemfdAndASmallOneInItsFrame) {
    FakeService service{echo()};
    auto client = connect(service);
    const auto text = pattern(wire::inline_body_bytes + 1);
    const auto small = std::string_view{text}.substr(1);
    EXPECT_EQ(client.call({.target = "a.b", .body = wire::bytes_of(small)})->output, "0" + std::string{small});
    EXPECT_EQ(client.call({.target = "a.b", .body = wire::bytes_of(text)})->output, "1" + text) << "flag::detached";
}

TEST(LargeBody, MayBeLargerThanAnyFrame) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, call.body == pattern(call.body.size()) ? std::to_string(call.body.size()) : "changed");
    };
    FakeService service{script};
    auto client = connect(service);
    const auto text = pattern(std::size_t{2} * wire::max_payload_bytes);
    EXPECT_EQ(client.call({.target = "a.b", .body = wire::bytes_of(text)})->output, std::to_string(text.size()));
}

TEST(LargeBody, ManyAmongSmallOnesStayInOrder) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, call.body.substr(0, call.body.find('.')));
    };
    FakeService service{script};
    auto client = connect(service);
    const auto before = open_descriptors();
    constexpr int calls = 300;
    // Some fill the socket, so that memfds wait for their turn.
    const std::string fillers[] = {"", std::string(wire::inline_body_bytes - 10, '.'),
                                   std::string(wire::inline_body_bytes, '.')};
    for (int i = 0; i < calls; ++i) {
        const auto body = std::to_string(i) + "." + fillers[i % 3];
        ASSERT_TRUE(client.submit({.target = "a.b", .body = wire::bytes_of(body)}));
    }
    for (int i = 0; i < calls; ++i) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event);
        const auto& done = std::get<Done>(**event);
        EXPECT_EQ(done.result.output, std::to_string(done.call - 1));
    }
    EXPECT_TRUE(only_open(before));
}

TEST(OwnMemory, TravelsAsItIs) {
    FakeService service{echo()};
    auto client = connect(service);
    const auto memory = memory_with("from a memfd", all_seals);
    EXPECT_EQ(client.call({.target = "a.b", .memory = memory.get()})->output, "1from a memfd");
    EXPECT_EQ(client.call({.target = "a.b", .memory = memory.get()})->output, "1from a memfd") << "it was only lent";
    EXPECT_EQ(client.call({.target = "a.b", .memory = memory_with("", all_seals).get()})->output, "1");
}

TEST(OwnMemory, MustBeASealedMemfdAndNothingBesideIt) {
    FakeService service{echo()};
    auto client = connect(service);
    const auto refused = [&](int memory, std::string_view body, const std::string& said) {
        const auto call = client.submit({.target = "a.b", .body = wire::bytes_of(body), .memory = memory});
        ASSERT_FALSE(call);
        EXPECT_EQ(call.error().kind, Kind::invalid);
        EXPECT_THAT(call.error().message, HasSubstr(said));
    };
    refused(memory_with("x", 0).get(), "", "F_SEAL_WRITE");
    refused(memory_with("x", F_SEAL_SHRINK | F_SEAL_GROW).get(), "", "F_SEAL_WRITE");
    refused(Fd{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)}.get(), "", "not a memfd");
    refused(9999, "", "not a memfd");
    refused(memory_with("x", all_seals).get(), "and a body", "a body and a memfd");
    EXPECT_EQ(client.outstanding(), 0U);
}

TEST(LargeOutput, ComesInMemory) {
    const auto text = pattern(1'000'000);
    FakeService::Script script;
    script.on_call = [&](Session& session, const Call& call) {
        session.ok(call.id, FakeService::Detached{.contents = call.body == "empty" ? "" : std::string_view{text}});
    };
    FakeService service{script};
    auto client = connect(service);
    const auto before = open_descriptors();
    {
        const auto result = client.call({.target = "a.b"});
        ASSERT_TRUE(result);
        EXPECT_EQ(result->outcome, Outcome::ok);
        EXPECT_EQ(result->output, "");
        ASSERT_NE(result->memory, nullptr);
        EXPECT_EQ(result->bytes(), text);
        EXPECT_EQ(client::sealed_size(result->memory->descriptor()), text.size());
        EXPECT_EQ(client.call({.target = "a.b", .body = wire::bytes_of("empty")})->bytes(), "");
        EXPECT_TRUE(client.call({.target = "a.b", .memory = result->memory->descriptor()})->bytes() == text)
            << "an output may be the next input";
    }
    EXPECT_TRUE(only_open(before));
}

TEST(LargeOutput, OfABatchComesItemByItem) {
    const auto text = pattern(100'000);
    FakeService::Script script;
    script.on_call = [&](Session& session, const Call& call) {
        if (call.body == "large") return session.ok(call.id, FakeService::Detached{.contents = text});
        session.ok(call.id, call.body);
    };
    FakeService service{script};
    auto client = connect(service);
    Batch batch;
    for (const auto* body : {"a", "large", "b"}) ASSERT_TRUE(batch.add(wire::bytes_of(body)));
    ASSERT_TRUE(client.submit({.target = "a.b"}, batch));
    EXPECT_EQ(std::get<Items>(**client.next(patience)).outputs.front(), "a");
    const auto done = std::get<Done>(**client.next(patience));
    EXPECT_EQ(done.first, 1U);
    EXPECT_EQ(done.result.bytes(), text);
    EXPECT_EQ(std::get<Items>(**client.next(patience)).outputs.front(), "b");
}

TEST(LargeOutput, ThatIsLostOnTheWayLeaksNothing) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        session.ok(call.id, FakeService::Detached{.contents = "output"});
        session.close();
    };
    FakeService service{script};
    const auto before = open_descriptors();
    {
        auto client = connect(service);
        ASSERT_TRUE(client.submit({.target = "a.b"}));
        ASSERT_TRUE(client.submit({.target = "a.b"}));
        ASSERT_TRUE(client.flush());
        ASSERT_TRUE(client.next(patience)) << "the first, which nobody looks at";
    }
    EXPECT_TRUE(only_open(before));
}

struct Lie {
    const char* what;
    FakeService::Detached output;
};

void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.what; }

class HostileMemory : public testing::TestWithParam<Lie> {};

TEST_P(HostileMemory, EndsTheSessionAndIsNotMapped) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) { session.ok(call.id, GetParam().output); };
    FakeService service{script};
    const auto before = open_descriptors();
    {
        auto client = connect(service);
        const auto result = client.call({.target = "a.b"});
        ASSERT_TRUE(result);
        EXPECT_EQ(result->outcome, Outcome::crashed);
        EXPECT_EQ(result->memory, nullptr);
        EXPECT_THAT(result->message, HasSubstr("broke the protocol"));
        EXPECT_EQ(client.next(0ms).error().kind, Kind::protocol);
    }
    EXPECT_TRUE(only_open(before));
}

INSTANTIATE_TEST_SUITE_P(
    All, HostileMemory,
    testing::Values(Lie{"a memfd that is not sealed", {.contents = "output", .sealed = false}},
                    Lie{"more bytes than there are", {.contents = "output", .announced_bytes = 7}},
                    Lie{"fewer bytes than there are", {.contents = "output", .announced_bytes = 5}},
                    Lie{"all the bytes that there could be",
                        {.contents = "output", .announced_bytes = ~std::uint64_t{0}}},
                    Lie{"no memfd", {.contents = "output", .descriptors = 0}},
                    Lie{"more memfds than can wait", {.contents = "output", .descriptors = 17}},
                    Lie{"as many memfds as a message can have", {.contents = "output", .descriptors = 250}}));

TEST(HostileMemoryOfAnotherFrame, EndsTheSession) {
    FakeService::Script script;
    script.on_call = [](Session& session, const Call& call) {
        wire::Buffer frame;
        const std::uint64_t bytes = 1;
        wire::append_frame(frame, {.type = wire::Type::chunk, .flags = wire::flag::detached, .id = call.id.call}, {},
                           std::as_bytes(std::span{&bytes, 1}));
        session.raw(wire::Frame::text(frame));
    };
    FakeService service{script};
    auto client = connect(service);
    ASSERT_TRUE(client.submit({.target = "a.b", .stream = true}));
    const auto event = client.next(patience);
    ASSERT_TRUE(event && *event);
    EXPECT_THAT(std::get<Done>(**event).result.message, HasSubstr("a memfd where there can be none"));
}

}  // namespace
}  // namespace caisson
