// SPDX-License-Identifier: Apache-2.0
#include "host/descriptor.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "wire/frame.hpp"

namespace caisson::host {
namespace {

using testing::HasSubstr;

class DescriptorTest : public testing::Test {
   protected:
    std::string refusal() {
        const auto offer = read_descriptor(&plugin_);
        return offer ? "accepted" : offer.error().text();
    }

    caisson_method method_{sizeof(caisson_method), CAISSON_METHOD_IDEMPOTENT, "square", "n times n", "int64", "int64"};
    const caisson_method* methods_[2] = {&method_, &method_};
    caisson_plugin plugin_{.size = sizeof(caisson_plugin),
                           .abi_major = CAISSON_ABI_MAJOR,
                           .abi_minor = 3,
                           .name = "math",
                           .version = "1.2.3",
                           .methods = methods_,
                           .method_count = 1,
                           .reserved = 0,
                           .create = [](const caisson_host*, void**) { return CAISSON_OK; },
                           .call = [](void*, const caisson_call*) { return CAISSON_OK; },
                           .destroy = nullptr,
                           .get_extension = nullptr};
};

TEST_F(DescriptorTest, SaysWhatThePluginOffers) {
    const auto offer = read_descriptor(&plugin_);
    ASSERT_TRUE(offer) << offer.error().text();
    const auto expected = nlohmann::json::parse(R"({"name":"math","version":"1.2.3","abi":"1.3","methods":[
        {"name":"square","help":"n times n","input":"int64","output":"int64","idempotent":true}]})");
    EXPECT_EQ(nlohmann::json::parse(ready_document(*offer)), expected);
}

TEST_F(DescriptorTest, TypesAreBytesUnlessSaid) {
    method_.input = method_.output = method_.help = nullptr;
    const auto offer = read_descriptor(&plugin_);
    ASSERT_TRUE(offer);
    EXPECT_EQ(offer->methods[0].input, "bytes");
    EXPECT_EQ(offer->methods[0].output, "bytes");
    EXPECT_EQ(offer->methods[0].help, "");
}

TEST_F(DescriptorTest, AcceptsLargerStructs) {
    plugin_.size += 64;
    method_.size += 64;
    EXPECT_EQ(refusal(), "accepted");
}

TEST_F(DescriptorTest, AcceptsOneWithoutTheOptionalTail) {
    plugin_.size = offsetof(caisson_plugin, destroy);
    EXPECT_EQ(refusal(), "accepted");
}

TEST_F(DescriptorTest, RefusesAnotherMajorBeforeAnythingElse) {
    plugin_.abi_major = 2;
    plugin_.name = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("the plugin speaks ABI 2.3, this worker 1.0"));
}

TEST_F(DescriptorTest, RefusesSmallSizes) {
    plugin_.size = 4;
    EXPECT_THAT(refusal(), HasSubstr("it says it has 4 bytes"));
    plugin_.size = offsetof(caisson_plugin, call);
    EXPECT_THAT(refusal(), HasSubstr("at least"));
    plugin_.size = sizeof plugin_;
    method_.size = 8;
    EXPECT_THAT(refusal(), HasSubstr("method 0 says it has 8 bytes"));
}

TEST_F(DescriptorTest, RefusesNullPointers) {
    EXPECT_FALSE(read_descriptor(nullptr));
    methods_[0] = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("method 0 is a null pointer"));
    plugin_.methods = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("list of methods"));
    plugin_.call = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("no call()"));
    plugin_.create = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("no create()"));
    plugin_.version = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("no version"));
    plugin_.name = nullptr;
    EXPECT_THAT(refusal(), HasSubstr("no name"));
}

TEST_F(DescriptorTest, RefusesCountsThatCannotBe) {
    plugin_.method_count = 0;
    EXPECT_THAT(refusal(), HasSubstr("lists no method"));
    plugin_.method_count = caisson::wire::max_methods + 1;
    EXPECT_THAT(refusal(), HasSubstr("at most 1024"));
}

TEST_F(DescriptorTest, RefusesBadNames) {
    plugin_.method_count = 2;
    EXPECT_THAT(refusal(), HasSubstr("two methods are named square"));
    plugin_.method_count = 1;
    const std::string longest(max_method_name_bytes, 'x');
    method_.name = longest.c_str();
    EXPECT_EQ(refusal(), "accepted");
    const std::string too_long(max_method_name_bytes + 1, 'x');
    method_.name = too_long.c_str();
    EXPECT_THAT(refusal(), HasSubstr("longer than 64 bytes"));
    for (const char* name : {"", "Square", "a-b", "a.b", "a b", "\x1B[2J"}) {
        method_.name = name;
        EXPECT_THAT(refusal(), HasSubstr("not made of")) << name;
    }
    method_.name = "square";
    method_.output = "vector<int>";
    EXPECT_THAT(refusal(), HasSubstr("the output type of method square"));
}

}  // namespace
}  // namespace caisson::host
