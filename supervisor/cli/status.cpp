// SPDX-License-Identifier: Apache-2.0
/// caisson status: what runs, how busy, since when.
#include "cli/status_view.hpp"

#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"
#include "cli/watch.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One row per pool: its workers that can take calls, of those that there should be;
calls that run and wait; restarts; and how the calls ended so far. Pools that are not
ready say why. With POOL also its methods and workers. --json prints the service's
own document, which gains fields over time and never renames one.

--watch draws it anew until Ctrl-C, and waits for a service that restarts; where the
output is no terminal, one after the other.

Exit codes: 0 ok, 3 no supervisor, 6 no such pool.

Examples:
  caisson status
  caisson status math
  caisson status --watch 5
  caisson status --json | jq '.pools[] | {name, state, queued}')";

bool begins_a_number(std::string_view text) {
    return text.front() == '.' || text.front() == '-' || (text.front() >= '0' && text.front() <= '9');
}

struct Options {
    std::string pool;
    std::optional<std::string> watch;
};

int show(const Context& context, Options options) {
    // `--watch math`: a pool, where a time might stand.
    if (options.watch && options.pool.empty() && !options.watch->empty() && !begins_a_number(*options.watch)) {
        options.pool = *options.watch;
        options.watch = "";
    }
    Json request{{"verb", "status"}};
    if (!options.pool.empty()) request["pool"] = options.pool;
    const auto doing = options.pool.empty() ? "status" : cat("status of ", printable(options.pool));
    const auto render = options.pool.empty() ? status_text : pool_text;
    if (!options.watch) return ask_and_print(context, request, doing, render);
    const auto interval = parse_interval("--watch", options.watch->empty() ? std::nullopt : options.watch);
    if (!interval) return usage_error(context, "status", interval.error());
    return watch(context, request, *interval, doing, render);
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.argument("POOL", options->pool, "only this pool, with its methods and workers");
    set.option_or_flag("--watch", options->watch, "[SECONDS]", "again and again (0.1 to 3600; without it 1)");
    return [options, &context] { return show(context, *options); };
}

}  // namespace

Command status_command() { return {"status", "show the pools: what runs, how busy, since when", help_text, declare}; }

}  // namespace caisson::cli
