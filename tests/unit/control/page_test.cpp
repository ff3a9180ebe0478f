// SPDX-License-Identifier: Apache-2.0
#include "control/page.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

namespace caisson::control {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string text_of(const PageFile& file) {
    std::string out;
    for (const auto byte : file.bytes) out += static_cast<char>(byte);
    return out;
}

std::string text_at(std::string_view path) {
    const auto files = page_files();
    const auto found = std::ranges::find(files, path, &PageFile::path);
    return found == files.end() ? std::string{} : text_of(*found);
}

TEST(Page, HasTheBytesOfItsSourcesAndNothingMore) {
    std::ifstream source{CAISSON_PAGE_DIR "/style.css", std::ios::binary};
    const std::string wanted{std::istreambuf_iterator<char>{source}, {}};
    ASSERT_FALSE(wanted.empty());
    EXPECT_EQ(text_at("/style.css"), wanted);
}

TEST(Page, StandsAtTheRootAndEachFileHasAPathAndATypeOfItsOwn) {
    EXPECT_THAT(text_at("/"), StartsWith("<!doctype html>"));
    std::set<std::string_view> paths;
    for (const auto& file : page_files()) {
        EXPECT_TRUE(paths.insert(file.path).second) << file.path;
        EXPECT_THAT(file.path, StartsWith("/"));
        EXPECT_THAT(file.content_type, HasSubstr("/"));
        EXPECT_FALSE(file.bytes.empty()) << file.path;
    }
}

TEST(Page, HasEverythingThatItAsksFor) {
    for (const auto& file : page_files()) {
        const auto text = text_of(file);
        if (file.path == "/chart.js") continue;
        // import … from "./NAME", and src="/NAME" or href="/NAME" of the page itself.
        for (const std::string_view before : {" from \"./", "src=\"/", "href=\"/"})
            for (auto at = text.find(before); at != std::string::npos; at = text.find(before, at + 1)) {
                const auto begin = at + before.size();
                const auto name = "/" + text.substr(begin, text.find('"', begin) - begin);
                EXPECT_FALSE(text_at(name).empty()) << file.path << " asks for " << name;
            }
    }
}

TEST(Page, HasTheChartsWithTheirLicence) {
    EXPECT_THAT(text_at("/chart.js"), HasSubstr("Released under the MIT License"));
    EXPECT_THAT(text_at("/chart.js"), HasSubstr("Chart.js Contributors"));
}

// What the content security policy would stop, and what would need the internet.
TEST(Page, HasNoScriptOrStyleInTheMarkupAndNoAddressElsewhere) {
    const auto page = text_at("/");
    for (const auto* const inline_code : {"<style", "style=", "onclick=", "onload=", "javascript:"})
        EXPECT_THAT(page, Not(HasSubstr(inline_code)));
    for (const auto& file : page_files()) {
        if (file.path == "/chart.js" || file.path == "/icon.svg") continue;  // a comment; the name of the format
        EXPECT_THAT(text_of(file), Not(HasSubstr("://"))) << file.path;
    }
}

}  // namespace
}  // namespace caisson::control
