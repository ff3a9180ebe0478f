// SPDX-License-Identifier: Apache-2.0
/// caisson drain and caisson resume: a pool rests, and works again.
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view drain_help =
    R"(New calls are refused from now on; those that are accepted are served, then the
workers stop. The pool stays in the configuration, and a reload does not wake it.

Exit codes: 0 ok, 2 wrong usage, 3 no supervisor, 6 refused (no such pool, drained
already, no right to).

Example:
  caisson drain math)";

constexpr std::string_view resume_help =
    R"(The workers of a drained pool are started again, and it takes calls at once.

Exit codes: 0 ok, 2 wrong usage, 3 no supervisor, 6 refused (no such pool, not drained,
no right to).

Example:
  caisson resume math)";

std::string drained(const Json& reply) {
    return cat("pool ", text(reply, "pool"), ": drains, ", digits(reply, "calls"), " calls to finish\n");
}

std::string resumed(const Json& reply) {
    return cat("pool ", text(reply, "pool"), ": takes calls, workers ", digits(reply, "workers"), '\n');
}

template <auto& said>
Action declare(OptionSet& set, const Context& context, const char* verb) {
    const auto pool = std::make_shared<std::string>();
    set.argument("POOL", *pool, "the pool", OptionSet::Need::required);
    return [pool, verb, &context] {
        return ask_and_print(context, {{"verb", verb}, {"pool", *pool}}, cat(verb, " of ", printable(*pool)), said);
    };
}

Action declare_drain(OptionSet& set, const Context& context) { return declare<drained>(set, context, "drain"); }
Action declare_resume(OptionSet& set, const Context& context) { return declare<resumed>(set, context, "resume"); }

}  // namespace

Command drain_command() { return {"drain", "let a pool finish its calls and rest", drain_help, declare_drain}; }
Command resume_command() { return {"resume", "let a drained pool work again", resume_help, declare_resume}; }

}  // namespace caisson::cli
