// SPDX-License-Identifier: Apache-2.0
/// caisson logs: the log of the service, with what plugins print.
#include "cli/command.hpp"
#include "cli/follow.hpp"
#include "cli/log_view.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One line per line of the log: its time (UTC), its level, the message, and the
particulars. What a plugin prints is among them, with its pool, worker and call. The
service remembers the last few thousand lines, wherever the log itself is written.
With -f the command goes on with what comes, also when the service stops and starts
again. --json prints one object per line.

Exit codes: 0 ok, 3 no supervisor.

Examples:
  caisson logs
  caisson logs -f math
  caisson logs --json | jq 'select(.stream == "stderr")')";

Action declare(OptionSet& set, const Context& context) {
    return declare_topic(set, context, {.verb = "logs", .member = "lines", .text = log_line, .first = 100});
}

}  // namespace

Command logs_command() { return {"logs", "show the last lines of the log, or follow it", help_text, declare}; }

}  // namespace caisson::cli
