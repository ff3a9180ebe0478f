// SPDX-License-Identifier: Apache-2.0
/// caisson crashes: what crashed, and why.
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/crash_view.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(Without ID the reports that the service keeps, newest first. With ID, or the beginning
of one that no other has, the whole report: signal and address, the stack with files
and lines where the plugin has debug information, the call, and the plugin's last
output.

Exit codes: 0 ok, 3 no supervisor, 6 no such report.

Examples:
  caisson crashes
  caisson crashes 01JD3V
  caisson crashes --json | jq -r '.crashes[0].report')";

Action declare(OptionSet& set, const Context& context) {
    const auto id = std::make_shared<std::string>();
    set.argument("ID", *id, "one report, in full");
    return [id, &context] {
        Json request{{"verb", "crashes"}};
        if (!id->empty()) request["id"] = *id;
        return ask_and_print(context, request, id->empty() ? "crashes" : cat("crash report ", printable(*id)),
                             id->empty() ? crashes_text : crash_text);
    };
}

}  // namespace

Command crashes_command() { return {"crashes", "list crash reports, or show one", help_text, declare}; }

}  // namespace caisson::cli
