// SPDX-License-Identifier: Apache-2.0
/// A pool whose number of workers follows the work.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string chaos_with(const std::string& workers) {
    return "[pool.chaos]\nworkers = " + workers + "\nplugin = \"" + chaos_library() + "\"\n";
}

class Elastic : public testing::Test {
   protected:
    Service service_{{.pools = chaos_with("{ min = 1, max = 4, idle = \"300ms\", grow_after = \"20ms\" }")}};
    Client client_ = service_.client();

    void sleepers(int count, int duration_ms) {
        const auto text = std::to_string(duration_ms);
        for (int i = 0; i < count; ++i)
            ASSERT_TRUE(client_.submit({.target = "chaos.sleep", .body = wire::bytes_of(text)}));
        ASSERT_TRUE(client_.flush());
    }
    void await_size(std::size_t size) {
        EXPECT_TRUE(eventually([&] {
            const auto pool = service_.pool("chaos");
            return pool.at("target") == size && pool.at("workers").size() == size && pool.at("state") == "ready";
        })) << service_.pool("chaos");
    }
    void cancel_all() { client_ = service_.client(); }
};

TEST_F(Elastic, StartsSmallGrowsWhileCallsWaitAndShrinksWhenIdle) {
    await_size(1);
    EXPECT_EQ(service_.pool("chaos").at("size").at("max"), 4);
    const auto first = service_.workers("chaos");
    sleepers(16, 60'000);
    await_size(4);
    EXPECT_TRUE(eventually([&] { return service_.pool("chaos").at("running") == 4; }));
    cancel_all();
    await_size(1);
    EXPECT_THAT(service_.crashes(), IsEmpty());
    service_.await_log("the pool grows");
    service_.await_log("the pool shrinks");
}

TEST_F(Elastic, DoesNotGrowForCallsThatAreServedAtOnce) {
    for (int i = 0; i < 200; ++i) ASSERT_EQ(call(client_, "chaos.ok", "1").output, "1");
    EXPECT_EQ(service_.pool("chaos").at("target"), 1);
}

TEST_F(Elastic, ResizeFixesItUntilTheNextReload) {
    EXPECT_EQ(service_.run({"resize", "chaos", "2"}).out, "pool chaos: workers 1 -> 2\n");
    await_size(2);
    sleepers(8, 60'000);
    EXPECT_TRUE(eventually([&] { return service_.pool("chaos").at("running") == 2; }));
    service_.configure({.pools = chaos_with("{ min = 1, max = 3, idle = \"300ms\", grow_after = \"20ms\" }")});
    EXPECT_THAT(service_.run({"reload"}).out, HasSubstr("max = 4"));
    await_size(3);
    cancel_all();
    await_size(1);
}

TEST_F(Elastic, BecomesANumberByReload) {
    service_.configure({.pools = chaos_with("2")});
    EXPECT_EQ(service_.run({"reload"}).code, 0);
    await_size(2);
    EXPECT_FALSE(service_.pool("chaos").contains("size"));
}

TEST_F(Elastic, ReplacesALostWorkerAndStaysInItsBounds) {
    sleepers(16, 60'000);
    await_size(4);
    ASSERT_EQ(::kill(service_.workers("chaos").at(0), SIGKILL), 0);
    await_size(4);
    cancel_all();
    await_size(1);
}

}  // namespace
}  // namespace caisson::test
