// SPDX-License-Identifier: Apache-2.0
/// caisson status: what runs, how busy, since when.
#include "cli/status_view.hpp"

#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One row per pool: its workers that can take calls, of those that there should be;
calls that run and wait; restarts; and how the calls ended so far. Pools that are not
ready say why. With POOL also its methods and workers. --json prints the service's
own document, which gains fields over time and never renames one.

Exit codes: 0 ok, 3 no supervisor, 6 no such pool.

Examples:
  caisson status
  caisson status math
  caisson status --json | jq '.pools[] | {name, state, queued}')";

Action declare(OptionSet& set, const Context& context) {
    const auto pool = std::make_shared<std::string>();
    set.argument("POOL", *pool, "only this pool, with its methods and workers");
    return [pool, &context] {
        Json request{{"verb", "status"}};
        if (!pool->empty()) request["pool"] = *pool;
        return ask_and_print(context, request, pool->empty() ? "status" : cat("status of ", printable(*pool)),
                             pool->empty() ? status_text : pool_text);
    };
}

}  // namespace

Command status_command() { return {"status", "show the pools: what runs, how busy, since when", help_text, declare}; }

}  // namespace caisson::cli
