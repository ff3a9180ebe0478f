// SPDX-License-Identifier: Apache-2.0
/// caisson restart: new processes for a pool, or for one worker.
#include <charconv>
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(Each worker goes on until its replacement is ready, then finishes the calls that it
has; one after the other, so no call is lost. A quarantined pool tries again at once.
With --now the workers are killed, and the calls that they run end as crashed.

Exit codes: 0 ok, 2 wrong usage, 3 no supervisor, 6 refused (no such pool or worker, no
right to).

Examples:
  caisson restart math
  caisson restart math/2
  caisson restart math/2 --now)";

struct Options {
    std::string target;
    bool now = false;
};

std::string restarted(const Json& reply) {
    std::string workers;
    for (const auto& id : member(reply, "workers"))
        if (id.is_number_unsigned()) workers += cat(workers.empty() ? " " : ", ", id.get<std::uint64_t>());
    const Json& now = member(reply, "now");
    const bool at_once = now.is_boolean() && now.get<bool>();
    if (workers.empty()) return cat("pool ", text(reply, "pool"), ": starts again\n");
    return cat("pool ", text(reply, "pool"), at_once ? ": killed" : ": replacing", workers, '\n');
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.argument("POOL", options->target, "the pool; or POOL/ID, one of its workers", OptionSet::Need::required);
    set.flag("--now", options->now, "kill them, whatever they run");
    return [options, &context] {
        const auto slash = options->target.find('/');
        Json request{{"verb", "restart"}, {"pool", options->target.substr(0, slash)}, {"now", options->now}};
        if (slash != std::string::npos) {
            std::uint32_t id = 0;
            const char* const begin = options->target.data() + slash + 1;
            const char* const end = options->target.data() + options->target.size();
            if (const auto [at, error] = std::from_chars(begin, end, id); error != std::errc{} || at != end)
                return usage_error(context, "restart",
                                   cat('"', printable(options->target), "\" is not POOL or POOL/ID, as math/2 is"));
            request["worker"] = id;
        }
        return ask_and_print(context, request, cat("restart of ", printable(options->target)), restarted);
    };
}

}  // namespace

Command restart_command() { return {"restart", "replace the workers of a pool, or one", help_text, declare}; }

}  // namespace caisson::cli
