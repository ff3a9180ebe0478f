// SPDX-License-Identifier: Apache-2.0
#include "wire/codec.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace caisson::wire {
namespace {

struct Read {
    Header header;
    std::string head;
    std::string body;
};

// Feeds `bytes` in pieces of `step` and collects the frames.
std::vector<Read> read_all(FrameReader& reader, std::span<const std::byte> bytes, std::size_t step) {
    std::vector<Read> frames;
    while (!bytes.empty()) {
        const auto count = std::min(step, bytes.size());
        const auto room = reader.prepare(count);
        std::memcpy(room.data(), bytes.data(), count);
        reader.commit(count);
        bytes = bytes.subspan(count);
        while (const auto frame = reader.next())
            frames.push_back({frame->header, std::string{frame->head()}, std::string{Frame::text(frame->body())}});
    }
    return frames;
}

// The same from memory that is overwritten after each piece.
std::vector<Read> read_lent(FrameReader& reader, std::span<const std::byte> bytes, std::size_t step) {
    std::vector<Read> frames;
    while (!bytes.empty()) {
        const auto count = std::min(step, bytes.size());
        Buffer lent(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
        bytes = bytes.subspan(count);
        reader.lend(lent);
        while (const auto frame = reader.next())
            frames.push_back({frame->header, std::string{frame->head()}, std::string{Frame::text(frame->body())}});
        reader.settle();
        std::ranges::fill(lent, std::byte{0xFF});
    }
    return frames;
}

Buffer two_frames() {
    Buffer out;
    append_frame(out, {.type = Type::call, .encoding = Encoding::json, .attempt = 2, .id = 7, .a = 11, .time_ns = -1},
                 "math.square", "{\"x\":1}", bytes_of("49"));
    append_frame(out, {.type = Type::cancel, .id = 7}, std::string_view{}, {}, {});
    return out;
}

TEST(Codec, GivesBackWhatWasWritten) {
    FrameReader reader;
    const auto frames = read_all(reader, two_frames(), 1 << 20);
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].header.type, Type::call);
    EXPECT_EQ(frames[0].header.encoding, Encoding::json);
    EXPECT_EQ(frames[0].header.attempt, 2);
    EXPECT_EQ(frames[0].header.id, 7U);
    EXPECT_EQ(frames[0].header.a, 11U);
    EXPECT_EQ(frames[0].header.time_ns, -1);
    EXPECT_EQ(frames[0].head, "math.square{\"x\":1}");
    EXPECT_EQ(frames[0].body, "49");
    EXPECT_EQ(frames[1].header.type, Type::cancel);
    EXPECT_FALSE(reader.midway());
}

TEST(Codec, ReadsFramesCutAtAnyPlace) {
    for (std::size_t step = 1; step < 100; ++step) {
        FrameReader reader;
        const auto frames = read_all(reader, two_frames(), step);
        ASSERT_EQ(frames.size(), 2U) << "in steps of " << step;
        EXPECT_EQ(frames[0].body, "49");
        EXPECT_FALSE(reader.midway());
    }
}

TEST(Codec, CutsLentMemoryAtAnyPlaceAndKeepsNothingBehindTheLastFrame) {
    for (std::size_t step = 1; step < 100; ++step) {
        FrameReader reader;
        const auto frames = read_lent(reader, two_frames(), step);
        ASSERT_EQ(frames.size(), 2U) << "in steps of " << step;
        EXPECT_EQ(frames[0].head, "math.square{\"x\":1}");
        EXPECT_EQ(frames[0].body, "49");
        EXPECT_FALSE(reader.midway());
        EXPECT_EQ(reader.memory_bytes(), 0U);
    }
}

TEST(Codec, LentAndOwnMemoryKeepTheirOrder) {
    std::mt19937 random{20261122};
    for (int round = 0; round < 500; ++round) {
        Buffer bytes;
        for (std::uint64_t id = 0; id < 20; ++id)
            append_frame(bytes, {.type = Type::chunk, .id = id}, {}, Buffer(random() % 100));
        FrameReader reader;
        std::uint64_t next = 0;
        for (std::span<const std::byte> rest{bytes}; !rest.empty();) {
            const auto piece = rest.first(std::min<std::size_t>(rest.size(), 1 + random() % 200));
            rest = rest.subspan(piece.size());
            if (random() % 2 == 0) {
                reader.lend(piece);
            } else {
                std::ranges::copy(piece, reader.prepare(piece.size()).begin());
                reader.commit(piece.size());
            }
            if (random() % 3 == 0) reader.settle();
            for (auto most = random() % 4; most > 0; --most) {
                if (const auto frame = reader.next()) {
                    EXPECT_EQ(frame->header.id, next++);
                }
            }
        }
        while (const auto frame = reader.next()) EXPECT_EQ(frame->header.id, next++);
        EXPECT_EQ(next, 20U);
        EXPECT_FALSE(reader.midway());
    }
}

TEST(Codec, KnowsHowMuchAFrameStillNeeds) {
    const auto bytes = two_frames();
    const auto first = sizeof(Header) + 20;
    FrameReader reader;
    EXPECT_TRUE(read_lent(reader, std::span{bytes}.first(31), 31).empty());
    EXPECT_EQ(reader.missing(), 0U) << "its header is not there yet";
    EXPECT_TRUE(read_lent(reader, std::span{bytes}.subspan(31, 9), 9).empty());
    EXPECT_EQ(reader.missing(), first - 40);
    EXPECT_EQ(read_lent(reader, std::span{bytes}.subspan(40), 1000).size(), 2U);
    EXPECT_EQ(reader.missing(), 0U);
}

TEST(Codec, KnowsThatAFrameIsUnderWay) {
    auto bytes = two_frames();
    bytes.resize(40);
    FrameReader reader;
    EXPECT_TRUE(read_all(reader, bytes, 40).empty());
    EXPECT_TRUE(reader.midway());
    EXPECT_FALSE(reader.error());
}

Buffer raw(const Header& header) {
    const auto bytes = std::as_bytes(std::span{&header, 1});
    return {bytes.begin(), bytes.end()};
}

struct Broken {
    Header header;
    CodecError error;
};

TEST(Codec, RefusesEachKindOfBrokenHeaderAndStaysDead) {
    const Broken cases[] = {
        {{.type = static_cast<Type>(99)}, CodecError::unknown_type},
        {{.payload_size = max_payload_bytes + 1, .type = Type::result}, CodecError::payload_too_large},
        {{.payload_size = 4, .type = Type::result, .head_size = 5}, CodecError::head_beyond_payload},
        {{.type = Type::result, .encoding = static_cast<Encoding>(3)}, CodecError::bad_encoding},
        {{.type = Type::call, .flags = 8}, CodecError::bad_flags},
        {{.type = Type::call, .flags = flag::detached}, CodecError::bad_flags},
        {{.payload_size = 7, .type = Type::call, .flags = flag::detached}, CodecError::bad_flags},
        {{.payload_size = 9, .type = Type::call, .flags = flag::detached}, CodecError::bad_flags},
    };
    for (const auto& broken : cases) {
        FrameReader reader;
        EXPECT_TRUE(read_all(reader, raw(broken.header), 32).empty());
        ASSERT_EQ(reader.error(), broken.error);
        EXPECT_TRUE(read_all(reader, two_frames(), 64).empty()) << "nothing is believed after an error";
    }
}

TEST(Codec, ADetachedFrameHasTheNumberOfItsBytes) {
    Buffer bytes;
    const std::uint64_t size = std::uint64_t{5} << 30;
    append_frame(bytes, {.type = Type::outcome, .flags = flag::detached, .id = 1}, bytes_of("head"),
                 std::as_bytes(std::span{&size, 1}));
    append_frame(bytes, {.type = Type::outcome, .id = 2}, {}, bytes_of("four"));
    FrameReader reader;
    std::ranges::copy(bytes, reader.prepare(bytes.size()).begin());
    reader.commit(bytes.size());
    const auto detached = reader.next();
    ASSERT_TRUE(detached);
    EXPECT_TRUE(detached->has(flag::detached));
    EXPECT_FALSE(detached->has(flag::keep));
    EXPECT_EQ(detached->head(), "head");
    EXPECT_EQ(detached->memory_bytes(), size);
    const auto other = reader.next();
    ASSERT_TRUE(other);
    EXPECT_FALSE(other->has(flag::detached));
    EXPECT_EQ(other->memory_bytes(), 0U) << "it has no number";
}

TEST(Codec, AnAnnouncedSizeAllocatesNothing) {
    FrameReader reader;
    EXPECT_TRUE(read_all(reader, raw({.payload_size = max_payload_bytes, .type = Type::result}), 32).empty());
    EXPECT_FALSE(reader.error());
    EXPECT_LT(reader.prepare(4096).size(), 1U << 20);
}

TEST(Codec, AnyBytesEndInFramesOrAnError) {
    std::mt19937 random{20261122};
    for (int round = 0; round < 2000; ++round) {
        auto bytes = two_frames();
        for (int hits = 0; hits < 3; ++hits) bytes[random() % bytes.size()] = static_cast<std::byte>(random());
        FrameReader reader;
        const auto step = 1 + random() % 50;
        for (const auto& frame : round % 2 == 0 ? read_all(reader, bytes, step) : read_lent(reader, bytes, step))
            EXPECT_LE(frame.head.size() + frame.body.size(), max_payload_bytes);
    }
}

}  // namespace
}  // namespace caisson::wire
