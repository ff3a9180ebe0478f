// SPDX-License-Identifier: Apache-2.0
/// caisson upgrade: the program that is installed now takes the place of the one that runs.
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view help_text =
    R"(The service starts the program that now stands at its own path. When the pools of
that are ready, it takes over the socket and all sessions, and the old process ends
once the calls that it has begun have ended, after service.drain at the latest. No
client is disconnected and no call is lost.

If the new program does not start, or is not ready within service.upgrade_timeout,
it is ended, the reason is printed, and the service goes on as it was.

Exit codes: 0 ok, 3 no supervisor, 6 refused (the new one did not take over, an
  upgrade is under way, no right to).

Example:
  sudo cmake --install build/release && caisson upgrade)";

/// Longer than service.upgrade_timeout may be: the service knows when to give up.
constexpr auto upgrade_patience = 11min;

int upgrade(const Context& context) {
    auto client = open_session(context);
    if (!client) return client.error();
    const auto reply = ask(context, *client, {{"verb", "upgrade"}}, "upgrade", upgrade_patience);
    if (!reply) return reply.error();
    if (context.json) return print(context, cat(reply->raw, '\n'));
    const auto& now = reply->document;
    const auto& was = member(now, "was");
    return print(context, cat("caisson ", text(now, "version"), " (pid ", digits(now, "pid"), ") has taken over from ",
                              text(was, "version"), " (pid ", digits(was, "pid"), ")\n"));
}

Action declare(OptionSet&, const Context& context) {
    return [&context] { return upgrade(context); };
}

}  // namespace

Command upgrade_command() { return {"upgrade", "let the installed version take over", help_text, declare}; }

}  // namespace caisson::cli
