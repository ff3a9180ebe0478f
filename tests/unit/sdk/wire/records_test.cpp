// SPDX-License-Identifier: Apache-2.0
#include "wire/records.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace caisson::wire {
namespace {

std::vector<std::string> all(RecordReader& reader) {
    std::vector<std::string> out;
    while (const auto record = reader.next()) out.emplace_back(Frame::text(*record));
    return out;
}

TEST(Records, GiveBackWhatWasWritten) {
    const std::vector<std::string> texts{"one", "", std::string("a\0b", 3), std::string(70'000, 'x')};
    Buffer body;
    std::size_t bytes = 0;
    for (const auto& text : texts) {
        append_record(body, bytes_of(text));
        bytes += record_head_bytes + text.size();
    }
    EXPECT_EQ(body.size(), bytes);
    RecordReader reader{body};
    EXPECT_EQ(all(reader), texts);
    EXPECT_TRUE(reader.at_end());
    EXPECT_FALSE(reader.next());
}

TEST(Records, OfAnEmptyBodyAreNone) {
    RecordReader reader{{}};
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.at_end());
}

TEST(Records, ThatAreCutOffAnywhereAreNotAtTheEnd) {
    Buffer body;
    append_record(body, bytes_of("one"));
    append_record(body, bytes_of("two"));
    for (std::size_t size = 0; size <= body.size(); ++size) {
        RecordReader reader{std::span{body}.first(size)};
        (void)all(reader);
        EXPECT_EQ(reader.at_end(), size % 7 == 0) << size;
    }
}

TEST(Records, ASizeBeyondTheBodyIsNotBelieved) {
    for (const std::string_view head :
         {std::string_view{"\xFF\xFF\xFF\xFFxyz", 7}, std::string_view{"\4\0\0\0xyz", 7}}) {
        RecordReader reader{bytes_of(head)};
        EXPECT_FALSE(reader.next());
        EXPECT_FALSE(reader.at_end());
    }
}

TEST(Records, AnyBytesEnd) {
    std::mt19937 random{20270115};
    for (int round = 0; round < 2000; ++round) {
        Buffer body;
        for (int i = 0; i < 5; ++i) append_record(body, bytes_of(std::string(random() % 20, 'x')));
        for (int hits = 0; hits < 3; ++hits) body[random() % body.size()] = static_cast<std::byte>(random());
        RecordReader reader{body};
        std::size_t bytes = 0;
        while (const auto record = reader.next()) bytes += record_head_bytes + record->size();
        EXPECT_LE(bytes, body.size());
        EXPECT_EQ(reader.at_end(), bytes == body.size());
    }
}

}  // namespace
}  // namespace caisson::wire
