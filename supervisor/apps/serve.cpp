// SPDX-License-Identifier: Apache-2.0
#include "apps/serve.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "apps/configuration.hpp"
#include "apps/plugin_trial.hpp"
#include "apps/server.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"

namespace caisson::apps {
namespace {

void complain(std::string_view text) { std::cerr << "caisson: " << text << '\n'; }

/// A request to reload that comes during the start waits for its end.
void hold_back_hangup() {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    ::sigprocmask(SIG_BLOCK, &hangup, nullptr);
}

/// With --strict no pool may have a problem; a plugin's are found by trying it.
bool strictly_good(const Configuration& configuration) {
    bool good = configuration.problems.empty();
    for (const auto& pool : configuration.settings.pools) {
        if (!pool.enabled) continue;
        const auto info = try_plugin(pool);
        if (info) continue;
        complain(cat("pool ", pool.name, ": ", info.error().text()));
        good = false;
    }
    return good;
}

}  // namespace

int serve(const cli::ServeOptions& options) {
    ::signal(SIGPIPE, SIG_IGN);
    hold_back_hangup();
    sys::shut_to_ptrace();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    auto configuration = read_configuration({options.config, options.socket, options.plugin_dir});
    if (!configuration.usable() || (options.strict && !configuration.problems.empty()))
        for (const auto& problem : configuration.problems) complain(problem.text());
    if (!configuration.usable() || (options.strict && !strictly_good(configuration))) return cli::exit_invalid;

    auto log = Log::open(log_options(configuration.settings.log));
    if (!log) {
        complain(log.error().text());
        return cli::exit_invalid;
    }
    auto access = control::Access::from(configuration.settings.access, ::geteuid());
    if (!access) {
        complain(access.error().text());
        return cli::exit_invalid;
    }
    auto listener = control::Listener::bind(configuration.settings.service.socket, configuration.settings.access);
    if (!listener) {
        complain(listener.error().text());
        return cli::exit_no_service;
    }
    sys::raise_open_files();
    return Server{{options.config, options.socket, options.plugin_dir},
                  std::move(configuration),
                  std::move(*log),
                  std::move(*listener),
                  std::move(*access)}
        .run();
}

}  // namespace caisson::apps
