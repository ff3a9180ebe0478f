// SPDX-License-Identifier: Apache-2.0
// Every file of the fixtures that is no plugin, and what is said of it.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "host/diagnose.hpp"
#include "host/plugin.hpp"

namespace caisson::host {
namespace {

using testing::HasSubstr;

const std::filesystem::path fixtures = CAISSON_FIXTURES;

std::string refusal(const std::filesystem::path& path) {
    const auto plugin = Plugin::load(path.string());
    return plugin ? "accepted" : plugin.error().text();
}

struct Expectation {
    const char* file;
    const char* said;
};
const Expectation expectations[] = {
    {"empty.so", "the file is empty"},
    {"text.so", "it is a text file, not a shared library"},
    {"truncated.so", "the file is truncated"},
    {"truncated_header.so", "the file is truncated: its ELF header"},
    {"arm32.so", "it is built for 32-bit ARM; this host is "},
    {"big_endian.so", "it is built for 64-bit PowerPC, big-endian; this host is "},
    {"other_machine.so", "it is built for 64-bit RISC-V; this host is "},
    {"directory.so", "is a directory, not a shared library"},
    {"fifo.so", "is a FIFO, not a shared library"},
    {"dangling.so", "is a symbolic link to nowhere.so, which does not exist"},
    {"no_such_file.so", "there is no file "},
    {"no_symbol.so", "it does not export caisson_plugin_entry"},
    {"mangled.so", "exports caisson_plugin_entry with a C++ name: declare it extern \"C\""},
    {"missing_dependency.so", " needs libcaisson_absent.so, which cannot be opened: No such file or directory"},
    {"undefined_symbol.so", " uses nowhere::to_be_found(int), which nothing defines"},
    {"wrong_abi.so", "the plugin speaks ABI 99.7, this worker 1.0"},
    {"null_descriptor.so", "its entry returned a null pointer"},
    {"small_descriptor.so", "it says it has 24 bytes"},
    {"null_name.so", "method 0 has no name"},
    {"duplicate_method.so", "two methods are named twice"},
    {"bad_method_name.so", "\"../Bad name\", is not made of"},
    {"too_many_methods.so", "it lists 4294967295 methods"},
};

class LoadTest : public testing::TestWithParam<Expectation> {};

TEST_P(LoadTest, SaysWhatIsWrong) {
    const auto path = fixtures / "broken" / GetParam().file;
    const std::string said = refusal(path);
    EXPECT_THAT(said, HasSubstr(GetParam().said));
    EXPECT_THAT(said, HasSubstr(path.string()));
}

INSTANTIATE_TEST_SUITE_P(Fixtures, LoadTest, testing::ValuesIn(expectations), [](const auto& each) {
    std::string name = each.param.file;
    return name.substr(0, name.find('.'));
});

TEST(Load, EveryBrokenFixtureIsTested) {
    for (const auto& file : std::filesystem::directory_iterator{fixtures / "broken"}) {
        EXPECT_TRUE(std::ranges::any_of(expectations, [&](const Expectation& one) {
            return file.path().filename() == one.file;
        })) << file.path();
    }
}

TEST(Load, AGoodOneOffersItsMethods) {
    const auto plugin = Plugin::load((fixtures / "plugins" / "probe.so").string());
    ASSERT_TRUE(plugin) << plugin.error().text();
    EXPECT_EQ(plugin->offer().name, "probe");
    EXPECT_EQ(plugin->offer().methods[0].name, "echo");
}

TEST(Load, NamesModeAndOwnerOfWhatCannotBeRead) {
    if (::geteuid() == 0) {
        // Root may read everything; somebody else tells.
        const pid_t child = ::fork();
        if (child == 0) {
            const auto path =
                std::filesystem::temp_directory_path() / ("caisson_unreadable_" + std::to_string(::getpid()));
            std::ofstream{path} << "x";
            ::chmod(path.c_str(), 0600);
            if (::setuid(65534) != 0) ::_exit(2);
            const auto result = inspect_library(path.string());
            const bool told =
                !result && result.error().text().find("mode 0600, owner root (uid 0)") != std::string::npos;
            ::_exit(told ? 0 : 1);
        }
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        std::filesystem::remove(std::filesystem::temp_directory_path() /
                                ("caisson_unreadable_" + std::to_string(child)));
        EXPECT_EQ(status, 0);
        return;
    }
    const auto path = std::filesystem::temp_directory_path() / ("caisson_unreadable_" + std::to_string(::getpid()));
    std::ofstream{path} << "x";
    ::chmod(path.c_str(), 0200);
    EXPECT_THAT(refusal(path), HasSubstr("mode 0200, owner "));
    std::filesystem::remove(path);
}

TEST(ExplainLoader, PutsItsWordsIntoOurs) {
    EXPECT_THAT(explain_loader("/p.so", "/lib/libc.so.6: version `GLIBC_2.99' not found (required by /p.so)").what,
                HasSubstr("/p.so needs GLIBC_2.99 of /lib/libc.so.6"));
    EXPECT_THAT(explain_loader("/p.so", "/p.so: failed to map segment from shared object").hint, HasSubstr("noexec"));
    EXPECT_THAT(explain_loader("/p.so", "something new").what, HasSubstr("cannot be loaded: something new"));
}

}  // namespace
}  // namespace caisson::host
