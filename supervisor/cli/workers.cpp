// SPDX-License-Identifier: Apache-2.0
/// caisson workers: every worker process.
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"
#include "cli/status_view.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One row per worker: its pid, what it does now, calls that it has ended, since when it
lives, and the method that it runs. --json prints the status document, where each pool
has its workers.

Exit codes: 0 ok, 3 no supervisor, 6 no such pool.

Examples:
  caisson workers
  caisson workers math)";

Action declare(OptionSet& set, const Context& context) {
    const auto pool = std::make_shared<std::string>();
    set.argument("POOL", *pool, "only the workers of this pool");
    return [pool, &context] {
        Json request{{"verb", "status"}};
        if (!pool->empty()) request["pool"] = *pool;
        return ask_and_print(context, request, pool->empty() ? "workers" : cat("workers of ", printable(*pool)),
                             workers_text);
    };
}

}  // namespace

Command workers_command() { return {"workers", "show the worker processes", help_text, declare}; }

}  // namespace caisson::cli
