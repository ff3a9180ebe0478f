// SPDX-License-Identifier: Apache-2.0
#include "fleet/box.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>
#include <random>

namespace caisson::fleet {
namespace {

class BoxTest : public ::testing::Test {
   protected:
    BoxTest() : box_(*Box::make()) {}
    Box box_;
};

TEST_F(BoxTest, GivesTheOutputThatWasNotDelivered) {
    std::memcpy(box_.raw().ring, "abcdef", 6);
    box_.raw().written = 6;
    EXPECT_EQ(box_.output_after(0).size(), 6U);
    const auto rest = box_.output_after(4);
    ASSERT_EQ(rest.size(), 2U);
    EXPECT_EQ(static_cast<char>(rest[0]), 'e');
    EXPECT_TRUE(box_.output_after(6).empty());
}

TEST_F(BoxTest, TheRingComesAround) {
    const std::uint64_t end = std::uint64_t{wire::ring_bytes} * 3 + 2;
    box_.raw().ring[wire::ring_bytes - 1] = std::byte{'x'};
    box_.raw().ring[0] = std::byte{'y'};
    box_.raw().ring[1] = std::byte{'z'};
    box_.raw().written = end;
    const auto rest = box_.output_after(end - 3);
    ASSERT_EQ(rest.size(), 3U);
    EXPECT_EQ(static_cast<char>(rest[0]), 'x');
    EXPECT_EQ(static_cast<char>(rest[1]), 'y');
    EXPECT_EQ(static_cast<char>(rest[2]), 'z');
}

TEST_F(BoxTest, WhatCannotBeIsNothing) {
    box_.raw().written = 5;
    EXPECT_TRUE(box_.output_after(10).empty()) << "more arrived than was written";
    box_.raw().written = ~std::uint64_t{0};
    EXPECT_TRUE(box_.output_after(10).empty()) << "more than the ring holds";
    box_.raw().step = 4711;
    EXPECT_EQ(box_.step(), wire::SetupStep::done);
}

/// An open run behind the first `offset` bytes: one record, "four".
std::uint64_t open_a_run(Box& box, std::uint64_t offset) {
    auto& raw = box.raw();
    const wire::Header header{.type = wire::Type::run, .encoding = wire::Encoding::packed, .id = 7, .time_ns = 99};
    const std::uint32_t size = 4;
    std::memcpy(raw.ring + offset, &header, sizeof header);
    std::memcpy(raw.ring + offset + sizeof header, &size, sizeof size);
    std::memcpy(raw.ring + offset + sizeof header + sizeof size, "four", size);
    raw.written = offset;
    raw.run_end = raw.reserved = offset + sizeof header + sizeof size + size;
    return raw.run_end;
}

TEST_F(BoxTest, GivesTheRecordsOfTheOpenRun) {
    open_a_run(box_, 100);
    const auto run = box_.open_run(100);
    ASSERT_TRUE(run);
    EXPECT_EQ(run->header.id, 7U);
    EXPECT_EQ(run->header.encoding, wire::Encoding::packed);
    EXPECT_EQ(run->header.time_ns, 0) << "not known before it is closed";
    EXPECT_EQ(run->records.size(), 8U);
}

TEST_F(BoxTest, AnOpenRunThatCannotBeIsNone) {
    const auto end = open_a_run(box_, 100);
    EXPECT_FALSE(box_.open_run(96)) << "what stands before it has not been taken";
    box_.raw().written = end;
    EXPECT_FALSE(box_.open_run(100)) << "it has been closed";
    open_a_run(box_, 100);
    box_.raw().run_end = 100 + sizeof(wire::Header);
    EXPECT_FALSE(box_.open_run(100)) << "no record";
    box_.raw().run_end = ~std::uint64_t{0};
    EXPECT_FALSE(box_.open_run(100)) << "more than the ring holds";
    open_a_run(box_, 100);
    box_.raw().ring[100 + offsetof(wire::Header, type)] = std::byte{255};
    EXPECT_FALSE(box_.open_run(100)) << "another type";
}

TEST_F(BoxTest, WhatIsWrittenOverMeanwhileIsNothing) {
    open_a_run(box_, 100);
    box_.raw().reserved = 101 + std::uint64_t{wire::ring_bytes};
    EXPECT_FALSE(box_.open_run(100));
    box_.raw().written = 200;
    EXPECT_TRUE(box_.output_after(100).empty());
    EXPECT_FALSE(box_.output_after(101).empty());
}

TEST_F(BoxTest, ClosingTheClaimTakesBackWhatComesAfterIt) {
    box_.raw().claim = wire::Claim{.generation = 3, .closed = false, .sequence = 41}.word();
    const auto closed = box_.close_claim();
    EXPECT_EQ(closed.sequence, 41U);
    EXPECT_EQ(closed.generation, 4);
    EXPECT_TRUE(box_.claim().closed);
    const auto again = box_.close_claim();
    EXPECT_EQ(again.generation, 5) << "a worker that still answers the first close must not open";
    EXPECT_EQ(again.sequence, 41U);
}

TEST_F(BoxTest, ReadsACrash) {
    auto& record = box_.raw().crash;
    record.signal = SIGSEGV;
    record.code = SEGV_MAPERR;
    record.frame_count = 2;
    record.module_count = 1;
    std::strcpy(record.modules[0], "/lib/libchaos.so");
    record.frames[0] = {.address = 0x7000, .offset = 0x10, .module = 0, .reserved = 0};
    record.frames[1] = {.address = 0x9000, .offset = 0x20, .module = wire::no_module, .reserved = 0};
    record.progress = static_cast<std::uint32_t>(wire::CrashProgress::stack_recorded);
    const auto crash = box_.crash();
    ASSERT_TRUE(crash);
    ASSERT_EQ(crash->stack.size(), 2U);
    EXPECT_EQ(crash->stack[0], (StackAddress{0x7000, 0x10, "/lib/libchaos.so"}));
    EXPECT_EQ(crash->stack[1], (StackAddress{0x9000, 0x9000, ""}));
}

TEST_F(BoxTest, AHandlerThatDiedHalfwayStillTellsTheSignal) {
    box_.raw().crash.signal = SIGBUS;
    box_.raw().crash.frame_count = 60;
    box_.raw().crash.progress = static_cast<std::uint32_t>(wire::CrashProgress::signal_recorded);
    const auto crash = box_.crash();
    ASSERT_TRUE(crash);
    EXPECT_EQ(crash->signal, SIGBUS);
    EXPECT_TRUE(crash->stack.empty());
}

TEST_F(BoxTest, AnyBytesAreReadSafely) {
    std::mt19937 random{20261122};
    auto* const bytes = reinterpret_cast<unsigned char*>(&box_.raw());
    for (int round = 0; round < 200; ++round) {
        for (std::size_t i = 0; i < sizeof(wire::BlackBox); i += 1 + random() % 7)
            bytes[i] = static_cast<unsigned char>(random());
        if (const auto crash = box_.crash()) {
            EXPECT_LE(crash->stack.size(), wire::max_frames);
            for (const auto& place : crash->stack) EXPECT_LE(place.module.size(), 4 * wire::max_module_path_bytes);
        }
        EXPECT_LE(box_.output_after(random()).size(), wire::ring_bytes);
        (void)box_.close_claim();
    }
}

}  // namespace
}  // namespace caisson::fleet
