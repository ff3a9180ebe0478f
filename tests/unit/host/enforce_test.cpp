// SPDX-License-Identifier: Apache-2.0
#include "host/enforce.hpp"

#include <gmock/gmock.h>
#include <sys/prctl.h>

#include <algorithm>

namespace caisson::host {
namespace {

TEST(Enforce, ProbesEverythingAndChangesNothing) {
    const auto found = probe_host();
    EXPECT_GE(found.size(), 14U);
    for (const Capability& one : found) {
        EXPECT_FALSE(one.name.empty());
        EXPECT_FALSE(one.detail.empty()) << one.name;
        EXPECT_FALSE(one.purpose.empty()) << one.name;
    }
    EXPECT_EQ(::prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL), 0) << "a probe changed this process";
}

TEST(Enforce, FindsWhatCaissonCannotDoWithout) {
    const auto found = probe_host();
    for (const char* name : {"pidfd", "memfd sealing", "no_new_privs"}) {
        const auto one = std::ranges::find(found, name, &Capability::name);
        ASSERT_NE(one, found.end()) << name;
        EXPECT_TRUE(one->available) << one->detail;
    }
}

}  // namespace
}  // namespace caisson::host
