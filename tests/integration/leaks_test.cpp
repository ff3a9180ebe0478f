// SPDX-License-Identifier: Apache-2.0
/// A service that has done a bit of everything frees all that it had. Under a sanitizer the fixture finds what leaks;
/// in every build this shows that such a service ends in order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/service.hpp"
#include "wire/codec.hpp"

namespace caisson::test {
namespace {

TEST(Leaks, AServiceThatHasDoneABitOfEverythingEndsInOrder) {
    const std::string chaos = "[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() + "\"\n";
    const std::string bad =
        "[pool.bad]\nplugin = \"" + (fixture_folder() / "broken" / "no_symbol.so").string() + "\"\n";
    Service service{{.pools = "[pool.math]\nworkers = 2\n" + bad + chaos}};
    {
        auto client = service.client();
        for (const auto* const target : {"math.square", "chaos.segv", "chaos.throw", "chaos.exit3", "chaos.nosuch",
                                         "nosuch.method", "chaos.garbage_frames", "chaos.double_reply", "chaos.pour"})
            (void)call(client, target, "");
        EXPECT_EQ(call(client, "chaos.sleep", "600000", {}, 50ms).outcome, Outcome::timed_out);
        EXPECT_EQ(call(client, "chaos.spin", {}, {}, 50ms).outcome, Outcome::timed_out);
        // Left in the middle.
        for (int i = 0; i < 10; ++i)
            ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")}));
        ASSERT_TRUE(client.flush());
        service.await_running("chaos", 2);
    }
    EXPECT_EQ(service.run({"crashes"}).code, 0);
    EXPECT_EQ(service.run({"resize", "math", "4"}).code, 0);
    service.configure({.pools = "[pool.math]\nworkers = 1\n[pool.text]\nworkers = 1\n"});
    EXPECT_EQ(service.run({"reload"}).code, 0);
    service.await_pool("text");
    const auto ended = service.stop();
    EXPECT_EQ(ended.code, 0) << ended.err;
    EXPECT_EQ(ended.err, "");
}

TEST(Leaks, AServiceThatIsToldToStopAtOnceEndsInOrder) {
    Service service{
        {.pools = "[pool.math]\nworkers = 2\n[pool.chaos]\nworkers = 2\nplugin = \"" + chaos_library() + "\"\n"}};
    auto client = service.client();
    for (int i = 0; i < 50; ++i) {
        ASSERT_TRUE(client.submit({.target = "chaos.segv"}));
        ASSERT_TRUE(client.submit({.target = "chaos.sleep", .body = wire::bytes_of("600000")}));
    }
    ASSERT_TRUE(client.flush());
    EXPECT_EQ(service.run({"stop", "--now"}).code, 0);
    EXPECT_EQ(service.wait().code, 0);
    while (client.outstanding() > 0) {
        const auto event = client.next(patience);
        ASSERT_TRUE(event && *event) << "a call without an outcome";
    }
}

}  // namespace
}  // namespace caisson::test
