// SPDX-License-Identifier: Apache-2.0
#include "host/setup.hpp"

#include <gtest/gtest.h>

namespace caisson::host {
namespace {

TEST(Setup, ReadsEverything) {
    const auto setup = parse_setup(R"({"pool":"p","worker":1,"plugin":"/x.so","settings":{"a":[1]},"isolation":"none",
        "limits":{"memory":1000,"files":64,"processes":8,"file_size":4096,"core":1}})");
    ASSERT_TRUE(setup) << setup.error().text();
    EXPECT_EQ(setup->plugin, "/x.so");
    EXPECT_EQ(setup->settings, R"({"a":[1]})");
    EXPECT_EQ(setup->isolation, Isolation::none);
    EXPECT_EQ(setup->limits.memory_bytes, 1000U);
    EXPECT_EQ(setup->limits.files, 64U);
    EXPECT_EQ(setup->limits.processes, 8U);
    EXPECT_EQ(setup->limits.file_size_bytes, 4096U);
    EXPECT_EQ(setup->limits.core_bytes, 1U);
}

TEST(Setup, HasDefaults) {
    const auto setup = parse_setup(R"({"plugin":"/x.so"})");
    ASSERT_TRUE(setup);
    EXPECT_EQ(setup->settings, "{}");
    EXPECT_EQ(setup->isolation, Isolation::standard);
    EXPECT_EQ(setup->limits.memory_bytes, 0U);
}

TEST(Setup, RefusesWhatItCannotUse) {
    for (const char* json : {"", "[]", "{", "{}", R"({"plugin":7})", R"({"plugin":"relative.so"})",
                             R"({"plugin":"/x.so","isolation":"strict"})"}) {
        EXPECT_FALSE(parse_setup(json)) << json;
    }
}

}  // namespace
}  // namespace caisson::host
