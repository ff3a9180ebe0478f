// SPDX-License-Identifier: Apache-2.0
/// Who may ask over HTTP: what protects a service from pages of others.
#include "control/http_api.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace caisson::control {
namespace {

TEST(OwnHost, IsANumberThisMachineOrAName) {
    char name[256] = {};
    ASSERT_EQ(::gethostname(name, sizeof name - 1), 0);
    const std::vector<std::string> names{"metrics.example.org"};
    for (const std::string& host :
         std::vector<std::string>{"localhost", "localhost:9464", "LOCALHOST:1", "127.0.0.1:9464", "[::1]:9464",
                                  "192.168.1.7", "metrics.example.org:80", "Metrics.Example.Org", &name[0]})
        EXPECT_TRUE(is_own_host(host, names)) << host;
}

TEST(OwnHost, IsNothingThatADomainCouldPointHere) {
    for (const char* const host : {"", ":80", "evil.org", "evil.org:9464", "127.0.0.1.evil.org", "localhost.evil.org",
                                   "metrics.example.org", "[", "[]", "[evil.org]:80", "127.0.0.1@evil.org"})
        EXPECT_FALSE(is_own_host(host, {})) << host;
}

HttpRequest request(HttpRequest::Pairs headers) {
    HttpRequest made;
    made.headers = std::move(headers);
    return made;
}

TEST(SameOrigin, IsOurPageOrAProgram) {
    EXPECT_TRUE(is_same_origin(request({{"host", "localhost:9464"}, {"x-caisson", "1"}})));
    EXPECT_TRUE(is_same_origin(request({{"host", "localhost:9464"},
                                        {"x-caisson", "1"},
                                        {"origin", "http://localhost:9464"},
                                        {"sec-fetch-site", "same-origin"}})));
}

TEST(SameOrigin, IsNotAForeignPage) {
    const HttpRequest::Pairs good{{"host", "localhost:9464"}, {"x-caisson", "1"}};
    EXPECT_FALSE(is_same_origin(request({{"host", "localhost:9464"}}))) << "a form cannot set the header";
    for (const auto& [name, value] : HttpRequest::Pairs{{"origin", "http://evil.org"},
                                                        {"origin", "http://localhost:1234"},
                                                        {"origin", "null"},
                                                        {"origin", ""},
                                                        {"sec-fetch-site", "cross-site"},
                                                        {"sec-fetch-site", "same-site"}}) {
        auto headers = good;
        headers.emplace_back(name, value);
        EXPECT_FALSE(is_same_origin(request(headers))) << name << ": " << value;
    }
}

}  // namespace
}  // namespace caisson::control
