// SPDX-License-Identifier: Apache-2.0
/// caisson serve: the door to the supervisor.
#include <memory>

#include "cli/command.hpp"
#include "cli/option_set.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(Runs the supervisor in the foreground until SIGTERM, SIGINT or `caisson stop`: it
takes no new calls, ends those it has, and stops its workers. A second SIGINT does
not wait.

The configuration is FILE, else ./caisson.toml, else the user's
($XDG_CONFIG_HOME/caisson/caisson.toml), else /etc/caisson/caisson.toml, else the
built-in defaults; the log says which. A pool that cannot start is reported and left
out, and the others serve; with --strict it ends the start.

Exit codes: 0 ended in order, 2 wrong usage, 3 the socket is in use or cannot be made,
  7 invalid configuration, or with --strict an invalid plugin.

Examples:
  caisson serve
  caisson serve -c caisson.toml --socket /tmp/caisson/caisson.sock)";

struct Options {
    std::string config;
    std::string plugin_dir;
    bool strict = false;
};

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.option("-c,--config", options->config, "FILE", "the configuration");
    set.option("--plugin-dir", options->plugin_dir, "FOLDER", "look for plugins here, whatever the configuration says");
    set.flag("--strict", options->strict, "do not start with a bad pool");
    return [options, &context] {
        return context.doors.serve({.config = options->config,
                                    .socket = context.socket,
                                    .plugin_dir = options->plugin_dir,
                                    .strict = options->strict});
    };
}

}  // namespace

Command serve_command() { return {"serve", "run the supervisor", help_text, declare}; }

}  // namespace caisson::cli
