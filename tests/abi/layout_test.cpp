// SPDX-License-Identifier: Apache-2.0
/// The layout of the ABI is what it has always been, in C and in C++.
#include <caisson/plugin.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "layout.h"

namespace {

struct Row {
    std::string name;
    std::size_t offset;
    std::size_t size;
    bool operator==(const Row&) const = default;
};

void PrintTo(const Row& row, std::ostream* out) {  // NOLINT(readability-identifier-naming): GoogleTest's name
    *out << row.name << " at " << row.offset << ", " << row.size << " bytes";
}

std::vector<Row> pinned() {
    return {
#define CAISSON_STRUCT(type, bytes) {#type, 0, bytes},
#define CAISSON_FIELD(type, field, place, bytes) {#type "." #field, place, bytes},
#include "layout.def"
#undef CAISSON_STRUCT
#undef CAISSON_FIELD
    };
}

std::vector<Row> in_cpp() {
    return {
#define CAISSON_STRUCT(type, bytes) {#type, 0, sizeof(type)},
#define CAISSON_FIELD(type, field, place, bytes) {#type "." #field, offsetof(type, field), sizeof(type::field)},
#include "layout.def"
#undef CAISSON_STRUCT
#undef CAISSON_FIELD
    };
}

std::vector<Row> in_c() {
    std::size_t count = 0;
    const LayoutRow* const rows = layout_in_c(&count);
    std::vector<Row> result;
    for (const LayoutRow& row : std::span{rows, count}) result.push_back({row.name, row.offset, row.size});
    return result;
}

TEST(Layout, IsWhatItHasAlwaysBeenInCpp) { EXPECT_THAT(in_cpp(), testing::ElementsAreArray(pinned())); }

TEST(Layout, IsWhatItHasAlwaysBeenInC) { EXPECT_THAT(in_c(), testing::ElementsAreArray(pinned())); }

TEST(Layout, NumbersOfEnumsAreFixed) {
    EXPECT_EQ(CAISSON_ABI_MAJOR, 1u);
    EXPECT_EQ(sizeof(caisson_status), 4u);
    EXPECT_EQ(CAISSON_OK, 0);
    EXPECT_EQ(CAISSON_INVALID_ARGUMENT, 1);
    EXPECT_EQ(CAISSON_NOT_FOUND, 2);
    EXPECT_EQ(CAISSON_UNAVAILABLE, 3);
    EXPECT_EQ(CAISSON_CANCELLED, 4);
    EXPECT_EQ(CAISSON_INTERNAL, 5);
    EXPECT_EQ(CAISSON_BYTES, 0);
    EXPECT_EQ(CAISSON_JSON, 1);
    EXPECT_EQ(CAISSON_PACKED, 2);
    EXPECT_EQ(CAISSON_METHOD_IDEMPOTENT, 1u);
    EXPECT_STREQ(CAISSON_PLUGIN_ENTRY, "caisson_plugin_entry");
}

TEST(Layout, FieldsAreThereAsFarAsTheSizeSays) {
    caisson_plugin plugin{};
    plugin.size = offsetof(caisson_plugin, get_extension);
    EXPECT_TRUE(CAISSON_HAS(&plugin, caisson_plugin, destroy));
    EXPECT_FALSE(CAISSON_HAS(&plugin, caisson_plugin, get_extension));
    plugin.size = offsetof(caisson_plugin, get_extension) + sizeof(void*) - 1;
    EXPECT_FALSE(CAISSON_HAS(&plugin, caisson_plugin, get_extension));
    plugin.size = sizeof plugin;
    EXPECT_TRUE(CAISSON_HAS(&plugin, caisson_plugin, get_extension));
}

}  // namespace
