// SPDX-License-Identifier: Apache-2.0
#include "fleet/plugin_info.hpp"

#include <gtest/gtest.h>

namespace caisson::fleet {
namespace {

TEST(PluginInfo, ReadsWhatAWorkerSays) {
    const auto info = PluginInfo::parse(
        R"({"name":"math","version":"1.0.0","abi":"1.0","methods":[{"name":"square","help":"n times n","input":"int64",
            "output":"int64","idempotent":true},{"name":"pow"}]})");
    ASSERT_TRUE(info);
    EXPECT_EQ(info->name, "math");
    ASSERT_NE(info->find("pow"), nullptr);
    EXPECT_EQ(*info->find("pow"), 1U);
    EXPECT_EQ(info->find("nosuch"), nullptr);
    EXPECT_TRUE(info->methods[0].idempotent);
}

TEST(PluginInfo, WrongTypesAndNonsenseAreErrorsOrEmpty) {
    for (const char* const text : {"", "[]", "null", "{", R"({"methods":7})", R"({"methods":[7]})", "\xFF\xFE"})
        EXPECT_FALSE(PluginInfo::parse(text)) << text;
    const auto odd = PluginInfo::parse(R"({"name":7,"methods":[{"name":[],"idempotent":"yes"}]})");
    ASSERT_TRUE(odd);
    EXPECT_EQ(odd->name, "");
    EXPECT_FALSE(odd->methods[0].idempotent);
}

TEST(PluginInfo, DeepNestingIsNoStackOverflow) { EXPECT_FALSE(PluginInfo::parse(std::string(1 << 20, '['))); }

}  // namespace
}  // namespace caisson::fleet
