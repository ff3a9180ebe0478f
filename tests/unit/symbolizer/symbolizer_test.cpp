// SPDX-License-Identifier: Apache-2.0
#include "symbolizer/symbolizer.hpp"

#include <dlfcn.h>
#include <gmock/gmock.h>

#include <cstdint>
#include <fstream>

namespace caisson::symbolizer {
namespace {

using testing::EndsWith;

const std::string fixture = CAISSON_FIXTURES "/plugins/places.so";
const std::string source = "tests/fixtures/plugins/places.cpp";

/// The line of the source that ends with this comment.
int line_with(const std::string& mark) {
    std::ifstream file{std::string{CAISSON_SOURCE} + "/" + source};
    int number = 1;
    for (std::string line; std::getline(file, line); ++number) {
        if (line.ends_with("// " + mark)) return number;
    }
    return -1;
}

/// A return address in the fixture, as a crash record has it.
Address address_in_fixture() {
    void* library = ::dlopen(fixture.c_str(), RTLD_NOW | RTLD_LOCAL);
    EXPECT_NE(library, nullptr) << ::dlerror();
    auto* place = reinterpret_cast<std::uintptr_t (*)(int)>(::dlsym(library, "caisson_place"));
    const std::uintptr_t address = place(1);
    Dl_info info{};
    EXPECT_NE(::dladdr(reinterpret_cast<void*>(address), &info), 0);
    return {fixture, address - reinterpret_cast<std::uintptr_t>(info.dli_fbase), true};
}

TEST(Symbolizer, NamesTheFunctionAndWhatWasInlinedIntoIt) {
    const auto resolved = resolve({address_in_fixture()});
    ASSERT_EQ(resolved.size(), 1U);
    const auto& places = resolved[0].places;
    ASSERT_EQ(places.size(), 2U);
    // Nobody exports it, so gcc's debug information has no more than its name.
    EXPECT_THAT(places[0].function, testing::AnyOf("inlined(…)", "inlined(int)"));
    EXPECT_THAT(places[0].file, EndsWith(source));
    EXPECT_EQ(places[0].line, line_with("INLINED"));
    EXPECT_EQ(places[1].function, "places::outer(int)");
    EXPECT_THAT(places[1].file, EndsWith(source));
    EXPECT_EQ(places[1].line, line_with("OUTER"));
}

TEST(Symbolizer, FindsFunctionsWithoutDebugInformation) {
    // A library of the system: names of exported functions, no lines.
    void* address = ::dlsym(RTLD_DEFAULT, "printf");
    Dl_info info{};
    ASSERT_NE(::dladdr(address, &info), 0);
    const auto offset = reinterpret_cast<std::uintptr_t>(address) - reinterpret_cast<std::uintptr_t>(info.dli_fbase);
    if (std::string{info.dli_fname}.find("libc.so") == std::string::npos)
        GTEST_SKIP() << "printf is a sanitizer's here";
    const auto resolved = resolve({{info.dli_fname, offset + 4, true}});
    ASSERT_EQ(resolved[0].places.size(), 1U);
    EXPECT_THAT(resolved[0].places[0].function, testing::HasSubstr("printf"));
}

TEST(Symbolizer, KnowsNothingOfWhatItCannotRead) {
    const auto resolved = resolve({{"/no/such/file.so", 16, false},
                                   {CAISSON_FIXTURES "/broken/fifo.so", 16, false},
                                   {CAISSON_FIXTURES "/broken/directory.so", 16, false},
                                   {CAISSON_FIXTURES "/broken/truncated.so", 0x1100, true},
                                   {CAISSON_FIXTURES "/broken/text.so", 16, false},
                                   {CAISSON_FIXTURES "/broken/arm32.so", 16, false},
                                   {"", 16, false},
                                   {fixture, 0, true},
                                   {fixture, ~std::uint64_t{0}, true}});
    ASSERT_EQ(resolved.size(), 9U);
    for (const Resolved& one : resolved) {
        ASSERT_EQ(one.places.size(), 1U);
        EXPECT_EQ(one.places[0].line, 0);
    }
}

}  // namespace
}  // namespace caisson::symbolizer
