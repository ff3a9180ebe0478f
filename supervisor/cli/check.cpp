// SPDX-License-Identifier: Apache-2.0
/// caisson check: is this configuration, is this plugin any good?
#include <memory>

#include "cli/command.hpp"
#include "cli/option_set.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(A file that ends in .toml is read as a configuration: every error with its file, line,
column and what was probably meant. Any other file is tried as a plugin: it is loaded
in a process of its own with a deadline, and its contract is tried. No running service
is needed or touched.

Exit codes: 0 all files are valid, 2 wrong usage, 7 at least one is not.

Examples:
  caisson check caisson.toml
  caisson check build/plugins/*.so --json)";

Action declare(OptionSet& set, const Context& context) {
    const auto files = std::make_shared<std::vector<std::string>>();
    set.arguments("FILE", *files, "configurations and plugins");
    return [files, &context] {
        return context.doors.check({.files = {files->begin(), files->end()}, .json = context.json});
    };
}

}  // namespace

Command check_command() { return {"check", "validate configurations and plugins", help_text, declare}; }

}  // namespace caisson::cli
