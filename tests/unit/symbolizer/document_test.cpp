// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/document.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace caisson::symbolizer {
namespace {

TEST(Document, ReadsARequest) {
    const auto request = parse_request(R"({"frames":[{"module":"/x/libchaos.so","offset":4660,"return_address":true},
        {"offset":7}]})");
    ASSERT_TRUE(request) << request.error().text();
    ASSERT_EQ(request->addresses.size(), 2U);
    EXPECT_EQ(request->addresses[0].module, "/x/libchaos.so");
    EXPECT_EQ(request->addresses[0].offset, 4660U);
    EXPECT_TRUE(request->addresses[0].is_return);
    EXPECT_EQ(request->addresses[1].module, "");
    EXPECT_FALSE(request->addresses[1].is_return);
    EXPECT_EQ(request->image.module, "");
}

TEST(Document, ReadsWhereTheImageOfALibraryIs) {
    const auto request =
        parse_request(R"({"frames":[{"offset":7}],"image":{"module":"/x/libchaos.so","descriptor":3}})");
    ASSERT_TRUE(request) << request.error().text();
    EXPECT_EQ(request->image.module, "/x/libchaos.so");
    EXPECT_EQ(request->image.descriptor, 3);
}

TEST(Document, RefusesWhatIsNoRequest) {
    std::string many = R"({"frames":[)";
    for (int i = 0; i < 300; ++i) many += R"({"offset":1},)";
    many.back() = ']';
    many += '}';
    for (const std::string& json : {std::string{}, std::string{"[]"}, std::string{"{}"}, std::string{R"({"frames":7})"},
                                    std::string{R"({"frames":[1]})"}, std::string{R"({"frames":[{"offset":-1}]})"},
                                    many, std::string(max_request_bytes + 1, ' ')}) {
        EXPECT_FALSE(parse_request(json)) << json.substr(0, 40);
    }
}

TEST(Document, SaysOnlyWhatIsKnown) {
    const std::vector<Address> addresses = {{"/x/libchaos.so", 0x1234, false}, {"/x/libc.so.6", 16, true}};
    const std::vector<Resolved> resolved = {{{{"poke()", "plugins/chaos/chaos.cpp", 41}, {"segv()", "chaos.cpp", 50}}},
                                            {{{}}}};
    const auto expected = nlohmann::json::parse(R"json({"frames":[
        {"function":"poke()","file":"plugins/chaos/chaos.cpp","line":41,"module":"libchaos.so","offset":"0x1234","inlined":true},
        {"function":"segv()","file":"chaos.cpp","line":50,"module":"libchaos.so","offset":"0x1234"},
        {"module":"libc.so.6","offset":"0x10"}]})json");
    EXPECT_EQ(nlohmann::json::parse(answer(addresses, resolved)), expected);
}

}  // namespace
}  // namespace caisson::symbolizer
