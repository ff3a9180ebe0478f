// SPDX-License-Identifier: Apache-2.0
/// Thousands of crashes leave no trace in the supervisor.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "support/service.hpp"

namespace caisson::test {
namespace {

#if defined(CAISSON_SANITIZED)
// A sanitizer keeps what was freed for a while, so the resident memory says nothing; the descriptors do.
constexpr int cycles = 300;
constexpr bool memory_counts = false;
#else
constexpr int cycles = 2000;
constexpr bool memory_counts = true;
#endif
/// By then every cache and ring has its size.
constexpr int warm_up_cycles = 200;
/// What an allocator's arenas may move by, and what the log may remember; two leaked kilobytes per crash would be 4 MB.
constexpr std::uint64_t allowed_growth = 1024 * 1024 + 2 * limits::log_record_bytes;

class Endurance : public testing::Test {
   protected:
    void crash(int times) {
        auto client = service_.client();
        int crashed = 0;
        for (int asked = 0; crashed < times;) {
            for (; asked < times && asked < crashed + 50; ++asked)
                ASSERT_TRUE(client.submit({.target = asked % 2 == 0 ? "chaos.segv" : "chaos.abort"}));
            const auto event = client.next(patience);
            ASSERT_TRUE(event && *event);
            ASSERT_EQ(std::get<Done>(**event).result.outcome, Outcome::crashed);
            ++crashed;
        }
    }

    void settle() const {
        ASSERT_TRUE(eventually([&] { return service_.workers("chaos").size() == 2; }));
        ASSERT_TRUE(eventually([&] { return descendants(service_.pid()).size() == 3; })) << "keeper and two workers";
    }

    Service service_{{.pools = "[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() +
                               "\"\n[pool.chaos.restart]\ncall_crashes = 100000\n"
                               "[pool.chaos.poison]\ncrashes = 0\n",
                      .log = "level = \"error\"\n"}};
};

TEST_F(Endurance, ThousandsOfCrashesLeaveMemoryAndDescriptorsFlat) {
    crash(warm_up_cycles);
    settle();
    const auto descriptors = open_descriptors(service_.pid());
    const auto keepers = open_descriptors(service_.keeper());
    const auto resident = resident_bytes(service_.pid());
    crash(cycles);
    settle();
    EXPECT_EQ(service_.pool("chaos").at("calls").at("crashed"), warm_up_cycles + cycles);
    // The session of a client that has just gone is closed in a later turn.
    EXPECT_TRUE(eventually([&] { return open_descriptors(service_.pid()) <= descriptors; }))
        << descriptors << " before, now " << open_descriptors(service_.pid());
    EXPECT_EQ(open_descriptors(service_.keeper()), keepers);
    if (memory_counts) {
        EXPECT_LT(resident_bytes(service_.pid()), resident + allowed_growth);
    }
    EXPECT_EQ(service_.crashes().size(), 100U) << "the ring of reports is bounded";
    EXPECT_THAT(zombies(service_.pid()), testing::IsEmpty());
    EXPECT_THAT(zombies(service_.keeper()), testing::IsEmpty());
}

}  // namespace
}  // namespace caisson::test
