// SPDX-License-Identifier: Apache-2.0
/// caisson stop: ends the service, and waits until it has gone.
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <memory>

#include "base/clock.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "cli/progress_line.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view help_text =
    R"(The service takes no new calls, ends those that run or wait, stops its workers and
goes; with --now it gives up what runs and waits. The command returns when the
service has gone. When --timeout comes first, the service goes on stopping.

Exit codes: 0 ok, 3 no supervisor, 5 it was not gone in time, 6 refused (no right to).

Examples:
  caisson stop
  caisson stop --now --timeout 10s)";

struct Options {
    bool now = false;
    std::string timeout = "1min";
};

// The supervisor's process, if it can be watched. The first process of a machine or container is who holds the socket
// when a service manager has opened it: its end would be waited for in vain.
Fd peer_process(const Client& client) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(client.descriptor(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 1) return {};
    auto process = sys::pidfd_open(peer.pid);
    return process ? std::move(*process) : Fd{};
}

// `limit` of 0: for ever. True when the session and the process have ended.
bool wait_until_gone(const Context& context, Client& client, const Fd& process, std::chrono::milliseconds limit) {
    const auto start = Clock::now();
    const auto left = [&] { return limit == 0ms || Clock::now() - start < limit; };
    ProgressLine progress{context.streams.err, true};
    bool session = true;
    while (left()) {
        progress.show(cat("stopping, since ", static_cast<std::int64_t>(seconds(Clock::now() - start)), " s"));
        if (session) {
            session = client.next(100ms).has_value();
        } else if (process) {
            pollfd entry{.fd = process.get(), .events = POLLIN, .revents = 0};
            if (::poll(&entry, 1, 100) > 0) return true;
        } else {
            return true;
        }
    }
    return false;
}

int stop(const Context& context, const Options& options) {
    const auto limit = parse_timeout(options.timeout);
    if (!limit) return usage_error(context, "stop", limit.error());
    auto client = open_session(context);
    if (!client) return client.error();
    const auto process = peer_process(*client);
    const auto reply = ask(context, *client, {{"verb", "stop"}, {"now", options.now}}, "stop");
    if (!reply) return reply.error();
    const auto limit_ms = limit->value_or(0ms);
    if (!wait_until_gone(context, *client, process, limit_ms)) {
        complain(context, cat("the service was not gone after ", options.timeout,
                              "; it goes on stopping\n  `caisson stop --now` gives up what runs and waits"));
        return exit_timed_out;
    }
    return print(context, context.json ? cat(reply->raw, '\n') : "the service has stopped\n");
}

Action declare(OptionSet& set, const Context& context) {
    const auto options = std::make_shared<Options>();
    set.flag("--now", options->now, "give up what runs and waits");
    set.option("--timeout", options->timeout, "TIME", "wait at most so long (default 1min; 0: for ever)");
    return [options, &context] { return stop(context, *options); };
}

}  // namespace

Command stop_command() { return {"stop", "end the service and wait until it has gone", help_text, declare}; }

}  // namespace caisson::cli
