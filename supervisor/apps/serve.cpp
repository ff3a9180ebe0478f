// SPDX-License-Identifier: Apache-2.0
#include "apps/serve.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
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

/// What was typed, for the next version.
std::vector<std::string> line_of(const cli::ServeOptions& options) {
    std::vector<std::string> line{"caisson"};
    const auto add = [&](const char* option, const std::filesystem::path& value) {
        if (!value.empty()) line.insert(line.end(), {option, value.native()});
    };
    add("--socket", options.socket);
    line.emplace_back("serve");
    add("--config", options.config);
    add("--plugin-dir", options.plugin_dir);
    if (options.strict) line.emplace_back("--strict");
    return line;
}

// From the service before, from the service manager, or a new one.
Result<control::Listener> open_listener(Start& start, const settings::Settings& settings) {
    if (start.inheritance) {
        auto& offer = start.inheritance->offer;
        auto lock = offer.take("lock");
        return control::Listener::inherit(std::move(lock), offer.take("listener"), offer.text("socket"),
                                          offer.flag("ours"));
    }
    auto passed = start.manager.take_passed();
    const auto is_kept = [](const ServiceManager::Passed& one) { return one.name == kept_listener; };
    // Its own socket comes back from the manager's store as well; the one that the manager has opened is the same or
    // new.
    auto found = std::ranges::find_if_not(passed, is_kept);
    if (found == passed.end()) found = std::ranges::find_if(passed, is_kept);
    if (found == passed.end()) return control::Listener::bind(settings.service.socket, settings.access);
    const bool ours = is_kept(*found);
    std::error_code error;
    // Who removed its file has made it useless.
    if (ours && !std::filesystem::is_socket(settings.service.socket, error))
        return control::Listener::bind(settings.service.socket, settings.access);
    return control::Listener::adopt(std::move(found->descriptor), ours);
}

/// From here on the folder that it was called in may go.
std::filesystem::path made_absolute(const std::filesystem::path& path) {
    std::error_code error;
    auto whole = path.empty() ? path : std::filesystem::absolute(path, error);
    return error ? path : whole;
}

}  // namespace

int serve(const cli::ServeOptions& options) {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);  // it comes too soon, and would end the start
    hold_back_hangup();
    sys::shut_to_ptrace();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    Start start{.overrides = {options.config, made_absolute(options.socket), made_absolute(options.plugin_dir)},
                .program = own_program(),
                .arguments = line_of(options),
                .inheritance = {},
                .manager = ServiceManager::from_environment()};
    auto inheritance = Inheritance::receive();
    if (!inheritance) {
        complain(inheritance.error().text());
        return cli::exit_invalid;
    }
    start.inheritance = std::move(*inheritance);
    auto configuration = read_configuration(start.overrides);
    if (!configuration.usable() || (options.strict && !configuration.problems.empty()))
        for (const auto& problem : configuration.problems) complain(problem.text());
    if (!configuration.usable() || (options.strict && !strictly_good(configuration))) return cli::exit_invalid;

    const auto refuse = [&](const Error& error, int code) {
        complain(error.text());
        if (start.inheritance) start.inheritance->refuse(error.text());
        return code;
    };
    // Before the log looks where it writes to.
    if (start.inheritance) start.inheritance->take_outputs();
    auto log = Log::open(log_options(configuration.settings.log));
    if (!log) return refuse(log.error(), cli::exit_invalid);
    auto access = control::Access::from(configuration.settings.access, ::geteuid());
    if (!access) return refuse(access.error(), cli::exit_invalid);
    auto listener = open_listener(start, configuration.settings);
    if (!listener) return refuse(listener.error(), cli::exit_no_service);
    configuration.settings.service.socket = listener->path();
    sys::raise_open_files();
    return Server{std::move(start), std::move(configuration), std::move(*log), std::move(*listener), std::move(*access)}
        .run();
}

}  // namespace caisson::apps
