// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "apps/server.hpp"
#include "base/text.hpp"

// How the configuration changes while the service runs: read, check, compare, apply.
namespace caisson::apps {

using settings::Change;

void Server::on_hangup() {
    if (waits_for_heritage() || passed_on(SIGHUP)) return;
    if (const auto changed = reload(); !changed)
        log_.event("reload_refused", LogLevel::error, "reload refused", {{"why", changed.error().text()}});
}

// Reads and checks everything first: a bad file changes nothing.
Result<std::vector<std::string>> Server::reload() {
    if (dispatcher_.stopping()) return fail("the service is stopping");
    if (upgrade_.state() != UpgradeState::serving)
        return fail("an upgrade is under way, and the new version reads the configuration itself",
                    "reload again when it is over");
    manager_.reloading();
    auto changed = read_and_apply();
    manager_.ready(told_ = status_line());
    return changed;
}

Result<std::vector<std::string>> Server::read_and_apply() {
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
    service_.set_access(*access);
    auto socket_rights = next.settings.access;
    socket_rights.mode = settings_.access.mode;
    socket_rights.group = settings_.access.group;
    door_.apply(next.settings.metrics, socket_rights, std::move(*access));
    requests_.set_problems(texts(next.problems));
    log_.set_level(log_options(next.settings.log).level);
    apply(changes, next.settings);
    std::vector<std::string> lines;
    for (const auto& change : changes) {
        log_.event("reloaded", LogLevel::info, cat("reload: ", change.text));
        lines.push_back(change.text);
    }
    adopt(std::move(next.settings));
    say(next.problems);
    return lines;
}

// What only a new start can change stays as it is, and is said again by the next reload.
void Server::adopt(settings::Settings next) {
    next.service.socket = settings_.service.socket;
    next.service.state_dir = settings_.service.state_dir;
    next.service.crash_reports = settings_.service.crash_reports;
    next.access.mode = settings_.access.mode;
    next.access.group = settings_.access.group;
    next.log.format = settings_.log.format;
    next.log.file = settings_.log.file;
    settings_ = std::move(next);
}

void Server::apply(const std::vector<Change>& changes, const settings::Settings& next) {
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

}  // namespace caisson::apps
