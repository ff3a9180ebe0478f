// SPDX-License-Identifier: Apache-2.0
/// caisson reload: the configuration file, read again.

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(The service reads its configuration again and prints what it changes. Pools whose
section is as before go on undisturbed, and no call is lost. A file with an error
changes nothing; the error is printed.

Exit codes: 0 ok, 3 no supervisor, 6 refused (an invalid file, no right to).

Example:
  sed -i 's/workers = 4/workers = 8/' caisson.toml && caisson reload)";

std::string changes(const Json& reply) {
    std::string out;
    for (const auto& change : texts(reply, "changes")) out += cat(change, '\n');
    return out.empty() ? "nothing changed\n" : out;
}

Action declare(OptionSet&, const Context& context) {
    return [&context] { return ask_and_print(context, {{"verb", "reload"}}, "reload", changes); };
}

}  // namespace

Command reload_command() { return {"reload", "read the configuration again", help_text, declare}; }

}  // namespace caisson::cli
