// SPDX-License-Identifier: Apache-2.0
/// caisson reload: the configuration file, read again.

#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(The service reads its configuration again and prints what it changes. Pools whose
section is as before go on undisturbed, and no call is lost. A file with an error
changes nothing; the error is printed. With --dry-run nothing is changed at all: it is
printed what would be, and how.

Exit codes: 0 ok, 3 no supervisor, 6 refused (an invalid file, no right to).

Example:
  sed -i 's/workers = 4/workers = 8/' caisson.toml && caisson reload --dry-run)";

std::string changes(const Json& reply) {
    std::string out;
    for (const auto& change : texts(reply, "changes")) out += cat(change, '\n');
    if (!out.empty()) return out;
    return reply.contains("dry_run") ? "nothing would change\n" : "nothing changed\n";
}

Action declare(OptionSet& set, const Context& context) {
    const auto dry_run = std::make_shared<bool>(false);
    set.flag("--dry-run", *dry_run, "say what would change, and change nothing");
    return [dry_run, &context] {
        Json request{{"verb", "reload"}};
        if (*dry_run) request["dry_run"] = true;
        return ask_and_print(context, request, "reload", changes);
    };
}

}  // namespace

Command reload_command() { return {"reload", "read the configuration again", help_text, declare}; }

}  // namespace caisson::cli
