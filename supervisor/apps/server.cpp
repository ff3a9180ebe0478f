// SPDX-License-Identifier: Apache-2.0
#include "apps/server.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "base/system.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "cli/exit_code.hpp"
#include "keeper/children.hpp"

namespace caisson::apps {

using settings::Problem;
using namespace std::chrono_literals;

namespace {

/// How long clients may take to fetch their last answers when the service ends.
constexpr auto goodbye_patience = 1s;

void unblock_hangup() {
    sigset_t hangup;
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    ::sigprocmask(SIG_UNBLOCK, &hangup, nullptr);
}

}  // namespace

LogOptions log_options(const settings::Log& log) {
    static const std::map<std::string_view, LogLevel> levels{{"trace", LogLevel::trace}, {"debug", LogLevel::debug},
                                                             {"info", LogLevel::info},   {"warn", LogLevel::warn},
                                                             {"error", LogLevel::error}, {"off", LogLevel::off}};
    return {.level = levels.at(log.level), .json = log.format == settings::LogFormat::json, .file = log.file};
}

std::vector<std::string> texts(const settings::Problems& problems) {
    std::vector<std::string> list;
    std::ranges::transform(problems, std::back_inserter(list), &Problem::text);
    return list;
}

Server::Server(Overrides overrides, Configuration configuration, Log log, control::Listener listener,
               control::Access access)
    : overrides_(std::move(overrides)),
      configuration_(std::move(configuration)),
      settings_(configuration_.settings),
      log_(std::move(log)),
      dispatcher_({.loop = loop_,
                   .log = log_,
                   .program_dir = sys::helper_dir(),
                   .report_dir = settings_.service.state_dir / "crashes",
                   .report_count = settings_.service.crash_reports,
                   .output_rules = settings_.log,
                   .images = true,
                   .on_gone = [this](const std::string&) { look_again(); }}),
      requests_(loop_, log_, dispatcher_,
                {.socket = settings_.service.socket,
                 .config = settings_.file,
                 .started = Clock::now(),
                 .problems = texts(configuration_.problems)},
                {.reload = [this] { return reload("command"); },
                 .preview = [this] { return preview(); },
                 .stop = [this](bool now) { stop(now); }}),
      service_(loop_, log_, dispatcher_, requests_, std::move(listener), std::move(access), settings_.service),
      watcher_(loop_, log_, [this](Watcher::News news) { on_news(news); }) {
    log_.event("service_started", LogLevel::info, cat("caisson ", version_text, " serves"),
               {{"pid", ::getpid()},
                {"socket", settings_.service.socket.native()},
                {"config", configuration_.how},
                {"plugin_dir", settings_.service.plugin_dir.native()}});
    say(configuration_.problems);
}

int Server::run() {
    watch();
    for (const auto& pool : settings_.pools)
        if (pool.enabled) dispatcher_.add_pool(pool);
    if (dispatcher_.pools().empty())
        log_.warn("there is no pool", {{"hint", "put a plugin into plugin_dir, or write a [pool.NAME]"}});
    loop_.on_signals({SIGTERM, SIGINT}, [this](int signal) { on_stop_signal(signal); });
    loop_.on_signals({SIGHUP}, [this](int) { static_cast<void>(reload("signal")); });
    unblock_hangup();  // one that came during the start is heard now
    loop_.on_signals({SIGCHLD}, [this](int) { end_orphans(); });
    loop_.run();
    log_.event("service_ended", LogLevel::info, "caisson ended");
    return cli::exit_ok;
}

void Server::say(const settings::Problems& problems) {
    for (const auto& problem : problems) log_.error(problem.text(), {});
}

// SIGTERM and the first SIGINT let accepted calls finish; another SIGINT does not wait.
void Server::on_stop_signal(int signal) {
    const bool again = dispatcher_.stopping();
    log_.event("service_stopping", LogLevel::info, "told to stop by a signal",
               {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    stop(signal == SIGINT && again);
}

void Server::stop(bool now) {
    watcher_.stop();
    const auto drain = now ? Duration::zero() : Duration{settings_.service.drain};
    dispatcher_.stop(Clock::now() + drain, [this] { service_.close(goodbye_patience, [this] { loop_.stop(); }); });
}

// The keeper is this process's only child. If it is killed, what it had to keep comes here
// (PR_SET_CHILD_SUBREAPER): workers that are about to die with it, and what their plugins had left behind.
void Server::end_orphans() {
    for (const pid_t pid : keeper::children()) {
        if (pid == dispatcher_.keeper_pid()) continue;
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, WNOHANG);
    }
}

}  // namespace caisson::apps
