// SPDX-License-Identifier: Apache-2.0
#include "apps/serve.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include "apps/configuration.hpp"
#include "apps/plugin_trial.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "cli/exit_code.hpp"
#include "control/service.hpp"
#include "dispatch/dispatcher.hpp"
#include "keeper/children.hpp"
#include "settings/compare.hpp"

namespace caisson::apps {
namespace {

using settings::Change;
using settings::Problem;
using namespace std::chrono_literals;

/// How long clients may take to fetch their last answers when the service ends.
constexpr auto goodbye_patience = 1s;

void complain(std::string_view text) { std::cerr << "caisson: " << text << '\n'; }

LogOptions log_options(const settings::Log& log) {
    static const std::map<std::string_view, LogLevel> levels{{"trace", LogLevel::trace}, {"debug", LogLevel::debug},
                                                             {"info", LogLevel::info},   {"warn", LogLevel::warn},
                                                             {"error", LogLevel::error}, {"off", LogLevel::off}};
    return {.level = levels.at(log.level), .json = log.format == settings::LogFormat::json, .file = log.file};
}

class Server {
   public:
    Server(const cli::ServeOptions& options, Configuration configuration, Log log, control::Listener listener,
           control::Access access)
        : overrides_{options.config, options.socket, options.plugin_dir},
          settings_(std::move(configuration.settings)),
          log_(std::move(log)),
          dispatcher_({.loop = loop_,
                       .log = log_,
                       .program_dir = sys::helper_dir(),
                       .report_dir = settings_.service.state_dir / "crashes",
                       .report_count = settings_.service.crash_reports,
                       .output_rules = settings_.log}),
          service_(loop_, log_, dispatcher_, std::move(listener), std::move(access), settings_.service,
                   {.socket = settings_.service.socket,
                    .config = settings_.file,
                    .started = Clock::now(),
                    .problems = texts(configuration.problems)},
                   {.reload = [this] { return reload(); }, .stop = [this](bool now) { stop(now); }}) {
        log_.info(cat("caisson ", version_text, " serves"), {{"pid", ::getpid()},
                                                             {"socket", settings_.service.socket.native()},
                                                             {"config", configuration.how},
                                                             {"plugin_dir", settings_.service.plugin_dir.native()}});
        say(configuration.problems);
    }

    int run() {
        for (const auto& pool : settings_.pools)
            if (pool.enabled) dispatcher_.add_pool(pool);
        if (dispatcher_.pools().empty())
            log_.warn("there is no pool", {{"hint", "put a plugin into plugin_dir, or write a [pool.NAME]"}});
        loop_.on_signals({SIGTERM, SIGINT}, [this](int signal) { on_stop_signal(signal); });
        loop_.on_signals({SIGHUP}, [this](int) { on_hangup(); });
        loop_.on_signals({SIGCHLD}, [this](int) { end_orphans(); });
        loop_.run();
        log_.info("caisson ended", {});
        return cli::exit_ok;
    }

   private:
    static std::vector<std::string> texts(const settings::Problems& problems) {
        std::vector<std::string> list;
        std::ranges::transform(problems, std::back_inserter(list), &Problem::text);
        return list;
    }

    void say(const settings::Problems& problems) {
        for (const auto& problem : problems) log_.error(problem.text(), {});
    }

    // SIGTERM and the first SIGINT let accepted calls finish; another SIGINT does not wait.
    void on_stop_signal(int signal) {
        const bool again = dispatcher_.stopping();
        log_.info("told to stop by a signal", {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
        stop(signal == SIGINT && again);
    }

    void stop(bool now) {
        const auto drain = now ? Duration::zero() : Duration{settings_.service.drain};
        dispatcher_.stop(Clock::now() + drain, [this] { service_.close(goodbye_patience, [this] { loop_.stop(); }); });
    }

    // The keeper is this process's only child. If it is killed, what it had to keep comes here
    // (PR_SET_CHILD_SUBREAPER): workers that are about to die with it, and what their plugins had left behind.
    void end_orphans() {
        for (const pid_t pid : keeper::children()) {
            if (pid == dispatcher_.keeper_pid()) continue;
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, WNOHANG);
        }
    }

    void on_hangup() {
        if (const auto changed = reload(); !changed) log_.error("reload refused", {{"why", changed.error().text()}});
    }

    // Reads and checks everything first: a bad file changes nothing.
    Result<std::vector<std::string>> reload() {
        if (dispatcher_.stopping()) return fail("the service is stopping");
        auto next = read_configuration(overrides_);
        if (!next.clean()) {
            std::string all;
            for (const auto& problem : next.problems) all += cat(all.empty() ? "" : "\n", problem.text());
            return fail(cat("nothing was changed:\n", all));
        }
        auto access = control::Access::from(next.settings.access, ::geteuid());
        if (!access) return fail(cat("nothing was changed: ", access.error().what), access.error().hint);
        const auto changes = settings::changes(settings_, next.settings);
        for (const auto& change : changes)
            if (const auto* const pool = dispatcher_.find(change.pool); pool != nullptr && pool->removed)
                return fail(cat("nothing was changed: pool ", change.pool, " is still draining"), "reload again later");
        service_.set_access(std::move(*access));
        service_.set_problems(texts(next.problems));
        log_.set_level(log_options(next.settings.log).level);
        apply(changes, next.settings);
        std::vector<std::string> lines;
        for (const auto& change : changes) {
            log_.info(cat("reload: ", change.text), {});
            lines.push_back(change.text);
        }
        adopt(std::move(next.settings));
        say(next.problems);
        return lines;
    }

    // What only a new start can change stays as it is, and is said again by the next reload.
    void adopt(settings::Settings next) {
        next.service.socket = settings_.service.socket;
        next.service.state_dir = settings_.service.state_dir;
        next.service.crash_reports = settings_.service.crash_reports;
        next.access.mode = settings_.access.mode;
        next.access.group = settings_.access.group;
        next.log.format = settings_.log.format;
        next.log.file = settings_.log.file;
        settings_ = std::move(next);
    }

    void apply(const std::vector<Change>& changes, const settings::Settings& next) {
        std::map<std::string, bool> touched;
        for (const auto& change : changes) {
            if (change.pool.empty() || touched[change.pool]) continue;
            touched[change.pool] = true;
            const auto pool =
                std::ranges::find_if(next.pools, [&](const auto& p) { return p.name == change.pool && p.enabled; });
            if (pool == next.pools.end())
                dispatcher_.remove_pool(change.pool);
            else if (dispatcher_.find(change.pool) == nullptr)
                dispatcher_.add_pool(*pool);
            else
                dispatcher_.apply(*pool);
        }
    }

    Overrides overrides_;
    settings::Settings settings_;
    Loop loop_;
    Log log_;
    dispatch::Dispatcher dispatcher_;
    control::Service service_;
};

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
    return Server{options, std::move(configuration), std::move(*log), std::move(*listener), std::move(*access)}.run();
}

}  // namespace caisson::apps
