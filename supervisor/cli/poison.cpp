// SPDX-License-Identifier: Apache-2.0
/// caisson poison: inputs that have killed too many workers, and are refused.
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/output.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"
#include "cli/words.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(An input (a method with its params and body) that has killed `poison.crashes` workers
within `poison.window` is refused from then on, whoever sends it. Without an option: the
list of them. `caisson crashes REPORT` shows the last crash of each. What was cleared
counts anew, from no crash.

Exit codes: 0 ok, 2 wrong usage, 3 no supervisor, 6 refused (no such input, no right to).

Examples:
  caisson poison
  caisson poison --clear 7f3a
  caisson poison --clear-all --pool chaos
  caisson poison --json | jq -r '.poison[].report')";

struct Options {
    std::optional<std::string> clear;
    bool clear_all = false;
    std::optional<std::string> pool;
};

// The reply with the inputs of one pool only.
Json of_pool(const Json& reply, const std::string& pool) {
    Json kept = Json::array();
    const Json& all = member(reply, "poison");
    if (all.is_array())
        for (const auto& entry : all)
            if (text(entry, "pool") == pool) kept.push_back(entry);
    return {{"poison", std::move(kept)}};
}

std::string list_text(const Json& reply) {
    Table table{{{"ID"}, {"METHOD"}, {"CRASHES", Table::Align::right}, {"LAST CRASH"}, {"REPORT"}}};
    const Json& all = member(reply, "poison");
    if (all.is_array())
        for (const auto& entry : all)
            table.add({text(entry, "id"), cat(text(entry, "pool"), '.', text(entry, "method")),
                       digits(entry, "crashes"), text(entry, "since"), text(entry, "report")});
    return table.empty() ? "no input is poison\n" : table.text();
}

int list(const Context& context, Client& client, const Options& options) {
    const auto reply = ask(context, client, {{"verb", "poison"}}, "poison");
    if (!reply) return reply.error();
    if (!options.pool) return print(context, context.json ? cat(reply->raw, '\n') : list_text(reply->document));
    const auto kept = of_pool(reply->document, *options.pool);
    return print(context, context.json ? cat(kept.dump(), '\n') : list_text(kept));
}

int clear(const Context& context, Client& client, const Options& options) {
    Json request{{"verb", "clear_poison"}};
    if (options.clear) request["id"] = *options.clear;
    if (options.pool) request["pool"] = *options.pool;
    const auto reply = ask(context, client, request, "poison");
    if (!reply) return reply.error();
    const auto cleared = number(reply->document, "cleared").value_or(0);
    if (cleared == 0 && options.clear) {
        complain(context, cat("poison: there is no such input as ", in_quotes(*options.clear),
                              "\n  `caisson poison` lists those that there are"));
        return exit_refused;
    }
    if (context.json) return print(context, cat(reply->raw, '\n'));
    return print(context, cleared == 0 ? "there was nothing to clear\n"
                                       : cat("cleared ", counted(static_cast<std::uint64_t>(cleared), "input"), '\n'));
}

int poison(const Context& context, const Options& options) {
    if (options.clear && options.clear->empty()) return usage_error(context, "poison", "--clear wants an ID");
    if (options.pool && options.pool->empty()) return usage_error(context, "poison", "--pool wants a NAME");
    if (options.clear && options.clear_all)
        return usage_error(context, "poison", "--clear and --clear-all say different things");
    auto client = open_session(context);
    if (!client) return client.error();
    return options.clear || options.clear_all ? clear(context, *client, options) : list(context, *client, options);
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.option("--clear", options->clear, "ID", "let this input run again; the beginning of an id is enough");
    set.flag("--clear-all", options->clear_all, "let all of them run again");
    set.option("--pool", options->pool, "NAME", "only inputs of this pool");
    return [options, &context] { return poison(context, *options); };
}

}  // namespace

Command poison_command() { return {"poison", "list or clear inputs that killed too many workers", help_text, declare}; }

}  // namespace caisson::cli
