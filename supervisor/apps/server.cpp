// SPDX-License-Identifier: Apache-2.0
#include "apps/server.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "base/log_journal.hpp"
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
/// The same for those who go on with another process afterwards.
constexpr auto farewell_patience = 60s;
/// Until the service manager is told that the service is ready although a pool is not: it takes calls all the same.
constexpr auto settle_patience = 30s;

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
    return {.level = levels.at(log.level),
            .json = log.format == settings::LogFormat::json,
            .file = log.file,
            .journal = stderr_is_journal()};
}

std::vector<std::string> texts(const settings::Problems& problems) {
    std::vector<std::string> list;
    std::ranges::transform(problems, std::back_inserter(list), &Problem::text);
    return list;
}

Server::Server(Start start, Configuration configuration, Log log, control::Listener listener, control::Access access)
    : overrides_(std::move(start.overrides)),
      configuration_(std::move(configuration)),
      settings_(configuration_.settings),
      log_(std::move(log)),
      program_(std::move(start.program)),
      arguments_(std::move(start.arguments)),
      manager_(std::move(start.manager)),
      upgrade_(loop_,
               {.on_ready =
                    [this] {
                        service_.shut();
                        return dispatcher_.save();
                    },
                .on_taken = [this](const std::string& version) { on_taken(version); },
                .on_failed = [this](const Error& error) { on_failed(error); },
                .on_gone =
                    [this] { log_.event("successor_died", LogLevel::error, "the service that took over has gone"); }}),
      patience_(loop_.timer()),
      access_(std::move(access)),
      dispatcher_({.loop = loop_,
                   .log = log_,
                   .program_dir = sys::helper_dir(),
                   .report_dir = settings_.service.state_dir / "crashes",
                   .report_count = settings_.service.crash_reports,
                   .output_rules = settings_.log,
                   .images = true,
                   .on_gone = [this](const std::string&) { look_again(); },
                   .on_change = [this](fleet::Crew&, const fleet::Death*) { on_pool_change(); }}),
      requests_(loop_, log_, dispatcher_,
                {.socket = settings_.service.socket,
                 .config = settings_.file,
                 .started = Clock::now(),
                 .problems = texts(configuration_.problems)},
                {.reload = [this] { return reload("command"); },
                 .preview = [this] { return preview(); },
                 .stop = [this](bool now) { stop(now); },
                 .upgrade = [this](control::Done done) { upgrade(std::move(done)); },
                 .connections =
                     [this] { return control::Operations::Connections{service_.sessions(), door_.connections()}; }}),
      service_(loop_, log_, dispatcher_, requests_, std::move(listener), access_, settings_.service),
      door_(loop_, log_, dispatcher_, requests_, settings_.service.socket),
      watcher_(loop_, log_, [this](Watcher::News news) { on_news(news); }) {
    if (start.inheritance) inherit(std::move(*start.inheritance));
    log_.event(heir_ ? "upgrade_preparing" : "service_started", LogLevel::info,
               cat("caisson ", version_text, heir_ ? " makes ready to take over" : " serves"),
               {{"pid", ::getpid()},
                {"socket", settings_.service.socket.native()},
                {"config", configuration_.how},
                {"plugin_dir", settings_.service.plugin_dir.native()}});
    if (!heir_) door_.apply(settings_.metrics, settings_.access, access_);
    say(configuration_.problems);
    manager_.attach(loop_);
}

int Server::run() {
    loop_.on_signals({SIGTERM, SIGINT}, [this](int signal) { on_stop_signal(signal); });
    loop_.on_signals({SIGHUP}, [this](int) { on_hangup(); });
    loop_.on_signals({SIGUSR2}, [this](int signal) {
        if (!waits_for_heritage() && !passed_on(signal)) upgrade([](const Result<nlohmann::json>&) {});
    });
    unblock_hangup();  // one that came during the start is heard now
    loop_.on_signals({SIGCHLD}, [this](int) { end_orphans(); });
    watch();
    for (const auto& pool : settings_.pools)
        if (pool.enabled) dispatcher_.add_pool(pool);
    if (dispatcher_.pools().empty())
        log_.warn("there is no pool", {{"hint", "put a plugin into plugin_dir, or write a [pool.NAME]"}});
    if (heir_) {
        dispatcher_.load(heir_->offer().document.value("state", nlohmann::json::object()));
    } else {
        service_.open();
        manager_.patrol();
        if (service_.listener().ours()) manager_.keep(service_.listener().socket(), kept_listener);
    }
    if (manager_.present() && !heir_)
        patience_.arm_after(settle_patience, [this] {
            settled_ = true;
            manager_.ready(told_ = status_line());
        });
    loop_.post([this] { on_pool_change(); });
    loop_.run();
    log_.event("service_ended", LogLevel::info, "caisson ended");
    return cli::exit_ok;
}

void Server::say(const settings::Problems& problems) {
    for (const auto& problem : problems) log_.error(problem.text(), {});
}

// SIGTERM and the first SIGINT let accepted calls finish; another SIGINT does not wait.
void Server::on_stop_signal(int signal) {
    if (waits_for_heritage() || passed_on(signal)) return;  // before it takes over it is the old one's to end
    const bool again = dispatcher_.stopping();
    log_.event("service_stopping", LogLevel::info, "told to stop by a signal",
               {{"signal", signal == SIGINT ? "SIGINT" : "SIGTERM"}});
    stop(signal == SIGINT && again);
}

void Server::stop(bool now) {
    watcher_.stop();
    upgrade_.cancel("the service was told to stop");
    manager_.stopping("stopping");
    const auto drain = now ? Duration::zero() : Duration{settings_.service.drain};
    // In a later turn: sessions that leave for another service do so first.
    dispatcher_.stop(Clock::now() + drain, [this] {
        loop_.post([this] {
            requests_.flush_waiting();
            const bool succeeded = upgrade_.state() == UpgradeState::handing_over;
            service_.close(succeeded ? farewell_patience : goodbye_patience, [this] {
                door_.close();
                on_closed();
            });
        });
    });
}

void Server::on_closed() {
    if (upgrade_.state() != UpgradeState::handing_over) {
        manager_.forget(kept_listener);
        return loop_.stop();
    }
    // What the one before still gives to this one goes on to the next.
    closed_ = true;
    if (!heir_ || !heir_->connected()) return leave();
    patience_.arm_after(settings_.service.drain + goodbye_patience, [this] { leave(); });
}

PoolStands Server::stands() const {
    PoolStands all;
    for (const auto& [name, pool] : dispatcher_.pools()) {
        const auto& crew = dispatcher_.crew(name);
        all[name] = {crew.state(), crew.reason()};
    }
    return all;
}

void Server::on_pool_change() {
    if (waits_for_heritage()) {
        auto here = stands();
        for (const auto& [name, plugin] : settings_.rejected)
            here[name] = {fleet::CrewState::quarantined, "its configuration has a problem"};
        return heir_->look(here);
    }
    tell_manager();
}

// The keeper is this process's only child, beside a successor. If it is killed, what it had to keep comes here
// (PR_SET_CHILD_SUBREAPER): workers that are about to die with it, and what their plugins had left behind.
void Server::end_orphans() {
    for (const pid_t pid : keeper::children()) {
        if (pid == dispatcher_.keeper_pid() || pid == upgrade_.pid()) continue;
        // Once this service has been succeeded, a child that it does not know may be the successor of its successor.
        if (upgrade_.state() != UpgradeState::handing_over) ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, WNOHANG);
    }
}

}  // namespace caisson::apps
