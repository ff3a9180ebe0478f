// SPDX-License-Identifier: Apache-2.0
/// caisson resize: another number of workers.
#include <memory>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(More workers are started at once; surplus workers end when they have finished their
call, so no call is lost. It holds until the next reload that changes the pool, or
until the service ends: the configuration file is not written.

Exit codes: 0 ok, 2 wrong usage, 3 no supervisor, 6 refused (no such pool, no right to).

Example:
  caisson resize math 8)";

struct Options {
    std::string pool;
    std::uint32_t workers = 0;
};

std::string resized(const Json& reply) {
    return cat("pool ", text(reply, "pool"), ": workers ", digits(reply, "was"), " -> ", digits(reply, "workers"),
               '\n');
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.argument("POOL", options->pool, "the pool", OptionSet::Need::required);
    set.argument("N", options->workers, "how many workers it is to have", OptionSet::Need::required);
    return [options, &context] {
        return ask_and_print(context, {{"verb", "resize"}, {"pool", options->pool}, {"workers", options->workers}},
                             cat("resize of ", printable(options->pool)), resized);
    };
}

}  // namespace

Command resize_command() { return {"resize", "give a pool another number of workers", help_text, declare}; }

}  // namespace caisson::cli
