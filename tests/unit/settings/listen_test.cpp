// SPDX-License-Identifier: Apache-2.0
#include "settings/listen.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "settings/load.hpp"

namespace caisson::settings {
namespace {

using testing::HasSubstr;

TEST(Listen, IsOneOfFourThings) {
    EXPECT_EQ(parse_listen("unix"), (Listen{.kind = Listen::Kind::beside}));
    EXPECT_EQ(parse_listen("off"), (Listen{.kind = Listen::Kind::off}));
    EXPECT_EQ(parse_listen("/run/web.sock"), (Listen{.kind = Listen::Kind::path, .path = "/run/web.sock"}));
    EXPECT_EQ(parse_listen("./web.sock"), (Listen{.kind = Listen::Kind::path, .path = "./web.sock"}));
    EXPECT_EQ(parse_listen("127.0.0.1:9464"), (Listen{.kind = Listen::Kind::tcp, .host = "127.0.0.1", .port = 9464}));
    EXPECT_EQ(parse_listen("localhost:80"), (Listen{.kind = Listen::Kind::tcp, .host = "127.0.0.1", .port = 80}));
    EXPECT_EQ(parse_listen("[::1]:9464"), (Listen{.kind = Listen::Kind::tcp, .host = "::1", .port = 9464}));
    EXPECT_EQ(parse_listen("0.0.0.0:0"), (Listen{.kind = Listen::Kind::tcp, .host = "0.0.0.0", .port = 0}));
}

TEST(Listen, ThatIsNoneOfThemSaysWhatToWrite) {
    for (const char* const text :
         {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:9464x",
          "::1:9464", "[127.0.0.1]:80", "[::1]", "example.org:80", "256.0.0.1:80", "http:80", "[]:80"}) {
        const auto parsed = parse_listen(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_FALSE(parsed.error().what.empty());
        EXPECT_FALSE(parsed.error().hint.empty());
    }
}

TEST(Listen, BesideTheSocketHasItsName) {
    EXPECT_EQ(http_socket_beside("/run/caisson/caisson.sock"), "/run/caisson/caisson.http.sock");
    EXPECT_EQ(http_socket_beside("service"), "service.http");
}

TEST(Listen, KnowsWhoIsHere) {
    EXPECT_TRUE(is_loopback("127.0.0.1"));
    EXPECT_TRUE(is_loopback("127.8.8.8"));
    EXPECT_TRUE(is_loopback("::1"));
    EXPECT_FALSE(is_loopback("127.evil.org"));
    EXPECT_FALSE(is_loopback("0.0.0.0"));
    EXPECT_FALSE(is_loopback("192.168.0.1"));
    EXPECT_TRUE(is_address("192.168.0.1"));
    EXPECT_TRUE(is_address("fe80::1"));
    EXPECT_FALSE(is_address("example.org"));
}

TEST(Listen, InAFileIsCheckedAndItsPathIsResolved) {
    const auto good = load_text("[metrics]\nlisten = \"run/http.sock\"\nhosts = [\"metrics.example.org\"]\n", "f.toml",
                                "/etc/caisson");
    EXPECT_TRUE(good.clean());
    EXPECT_EQ(good.settings.metrics.listen, "/etc/caisson/run/http.sock");
    EXPECT_EQ(good.settings.metrics.hosts, std::vector<std::string>{"metrics.example.org"});
    const auto bad = load_text("[metrics]\nlisten = \"example.org:80\"\n", "f.toml", "/etc/caisson");
    ASSERT_FALSE(bad.clean());
    EXPECT_THAT(bad.problems[0].text(), HasSubstr("names are not looked up"));
    const std::string long_path(200, 'x');
    EXPECT_FALSE(load_text("[metrics]\nlisten = \"/" + long_path + "\"\n", "f.toml", "/").clean());
}

}  // namespace
}  // namespace caisson::settings
