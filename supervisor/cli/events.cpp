// SPDX-License-Identifier: Apache-2.0
/// caisson events: what happened to pools, workers and the service.
#include "cli/command.hpp"
#include "cli/follow.hpp"
#include "cli/log_view.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One line per event: its time (UTC), its name, what happened, and the particulars. The
service remembers the last few thousand. With -f the command goes on with what happens,
also when the service stops and starts again. --json prints one object per line.

Exit codes: 0 ok, 3 no supervisor.

Examples:
  caisson events
  caisson events -f math
  caisson events --json -n 1000 | jq 'select(.event == "worker_ended")')";

Action declare(OptionSet& set, const Context& context) {
    return declare_topic(set, context, {.verb = "events", .member = "events", .text = event_line, .first = 100});
}

}  // namespace

Command events_command() { return {"events", "show what happened, or follow it", help_text, declare}; }

}  // namespace caisson::cli
