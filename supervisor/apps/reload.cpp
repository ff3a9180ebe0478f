// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "apps/server.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "base/writers.hpp"
#include "settings/discover.hpp"

// How the configuration changes while the service runs: read, check, compare, apply.
//
// The file is read when somebody says so or when it has changed, and plugin_dir whenever something in it has changed:
// then the file as it was read last counts, so that one which is being edited is not read by half.
namespace caisson::apps {

using settings::Change;
using settings::Scope;

namespace {

bool same_people(const settings::Access& a, const settings::Access& b) {
    return a.call == b.call && a.operate == b.operate && a.admin == b.admin;
}

bool has_nothing(const std::filesystem::path& file) {
    std::error_code error;
    return std::filesystem::file_size(file, error) == 0 && !error;
}

}  // namespace

void Server::on_hangup() {
    if (!waits_for_heritage() && !passed_on(SIGHUP)) static_cast<void>(reload("signal"));
}

Result<Server::Texts> Server::reload(const std::string& source) {
    manager_.reloading();
    auto next = read_next();
    auto done = next ? take(std::move(*next)) : Result<Texts>{std::unexpected(next.error())};
    note_reload(source, done);
    dispatcher_.look_at_libraries();
    manager_.ready(told_ = status_line());
    return done;
}

// Everything is read and checked first: a bad file changes nothing.
Result<Configuration> Server::read_next() {
    if (dispatcher_.stopping()) return fail("the service is stopping");
    if (upgrade_.state() != UpgradeState::serving)
        return fail("an upgrade is under way, and the new version reads the configuration itself",
                    "reload again when it is over");
    // The file that was found at the start: if it is gone now, the next best is not what anybody meant.
    auto from = overrides_;
    if (!configuration_.settings.file.empty()) from.config = configuration_.settings.file;
    auto next = read_configuration(from, seen());
    keep_running(next);
    if (next.clean()) return next;
    std::string all;
    for (const auto& problem : next.problems)
        if (problem.scope != Scope::library) all += cat(all.empty() ? "" : "\n", problem.text());
    return fail(cat("nothing was changed:\n", all));
}

Result<Server::Texts> Server::preview() {
    auto next = read_next();
    if (!next) return std::unexpected(next.error());
    Texts lines;
    for (const auto& change : settings::changes(settings_, next->settings))
        lines.push_back(cat(change.text, " (", settings::effect(change.kind), ")"));
    return lines;
}

// What is in plugin_dir changed, and the file did not.
void Server::look_again() {
    if (dispatcher_.stopping()) return;
    auto next = apps::look_again(configuration_, seen());
    keep_running(next);
    // What waits for a restart of the service has been said.
    next.settings.service = settings_.service;
    next.settings.access = settings_.access;
    next.settings.log = settings_.log;
    const auto done = take(std::move(next));
    if (!done || !done->empty()) note_reload("file watch", done);
    dispatcher_.look_at_libraries();
}

// A file that is being written where no pool runs is not there yet.
Seen Server::seen() const {
    Seen seen{configuration_.seen.folder, configuration_.seen.entries, {}};
    for (const auto& name : watcher_.unfinished())
        if (std::ranges::none_of(settings_.pools, [&](const auto& pool) { return pool.plugin == seen.folder / name; }))
            seen.unfinished.insert(name);
    return seen;
}

// The library of a pool that runs has gone, and its section stands as before: the pool has its library in memory, and
// goes on. It is said in the status, and holds up no change of others.
void Server::keep_running(Configuration& next) const {
    for (auto& problem : next.problems) {
        if (problem.scope != Scope::pool) continue;
        const auto pool = std::ranges::find(next.settings.pools, problem.pool, &settings::Pool::name);
        const auto now = std::ranges::find(settings_.pools, problem.pool, &settings::Pool::name);
        if (pool == next.settings.pools.end() || now == settings_.pools.end() || !now->enabled) continue;
        const auto same = [](const std::filesystem::path& path) {
            return path.parent_path() / settings::pool_name_of(path.filename().native());
        };
        if (same(pool->plugin) != same(now->plugin)) continue;
        pool->plugin = now->plugin;
        problem.scope = Scope::library;
    }
    keep_discovered(next);
}

// A second file that would get the name of a pool that runs gets none, and takes it from nobody.
void Server::keep_discovered(Configuration& next) const {
    auto& pools = next.settings.pools;
    const auto& written = next.written;
    if (!written.service.discover) return;
    for (const auto& now : settings_.pools) {
        const auto same_name = [&](const settings::Pool& pool) { return pool.name == now.name; };
        const auto same_file = [&](const settings::Pool& pool) { return pool.plugin == now.plugin; };
        const bool configured = std::ranges::any_of(written.pools, same_name) || written.rejected.contains(now.name);
        if (configured || std::ranges::any_of(pools, same_name) || std::ranges::any_of(pools, same_file)) continue;
        if (now.plugin.parent_path() != next.settings.service.plugin_dir) continue;
        if (settings::look_at(now.plugin) != settings::EntryKind::file) continue;
        pools.push_back(next.settings.discovered(now.name, now.plugin));
    }
}

Result<Server::Texts> Server::take(Configuration next) {
    // Names are looked up only if they are others: that may ask a server far away.
    if (!same_people(next.settings.access, settings_.access)) {
        auto access = control::Access::from(next.settings.access, ::geteuid());
        if (!access) return fail(cat("nothing was changed: ", access.error().what), access.error().hint);
        access_ = std::move(*access);
    }
    service_.set_access(access_);
    auto socket_rights = next.settings.access;
    socket_rights.mode = settings_.access.mode;
    socket_rights.group = settings_.access.group;
    door_.apply(next.settings.metrics, socket_rights, access_);
    log_.set_level(log_options(next.settings.log).level);
    const auto changes = settings::changes(settings_, next.settings);
    auto& settings = next.settings;
    apply(changes, settings);
    Texts lines;
    for (const auto& change : changes) {
        log_.event("reloaded", LogLevel::info, cat("reload: ", change.text));
        lines.push_back(change.text);
    }
    if (next.problems != configuration_.problems) say(next.problems);
    configuration_ = next;
    adopt(std::move(next.settings));
    watch();
    say_problems();
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

// A pool that comes back while the one before it drains has to wait: it is as if it had not been there, and is found
// again when the other has gone (Dispatcher::Surroundings::on_gone).
void Server::apply(const std::vector<Change>& changes, settings::Settings& next) {
    std::map<std::string, bool> touched;
    for (const auto& change : changes) {
        if (change.pool.empty() || touched[change.pool]) continue;
        touched[change.pool] = true;
        const auto pool =
            std::ranges::find_if(next.pools, [&](const auto& p) { return p.name == change.pool && p.enabled; });
        const auto* const now = dispatcher_.find(change.pool);
        if (pool == next.pools.end())
            dispatcher_.remove_pool(change.pool);
        else if (now == nullptr)
            dispatcher_.add_pool(*pool);
        else if (now->removed)
            next.pools.erase(pool);
        else
            dispatcher_.apply(*pool);
    }
}

// ---- telling --------------------------------------------------------------------------------------------------------

void Server::note_reload(const std::string& source, const Result<Texts>& done) {
    std::string message;
    if (!done) {
        message = done.error().text();
        log_.event("reload_refused", LogLevel::error, "reload refused", {{"source", source}, {"why", message}});
    } else {
        for (const auto& line : *done) message += cat(message.empty() ? "" : "\n", line);
        if (message.empty()) message = "nothing changed";
    }
    requests_.set_reload({sys::wall_time(), done.has_value(), message, source});
    refusal_ = done ? std::string{} : cat("the last reload (", source, ") was refused: ", message);
    say_problems();
}

void Server::say_problems() {
    auto all = texts(configuration_.problems);
    std::ranges::move(watcher_.problems(), std::back_inserter(all));
    if (!refusal_.empty()) all.push_back(refusal_);
    requests_.set_problems(std::move(all));
}

// ---- watching -------------------------------------------------------------------------------------------------------

void Server::watch() {
    if (!settings_.service.watch) return watcher_.stop();
    const auto& file = settings_.file;
    std::error_code error;
    Watcher::Targets targets{.configuration = file.empty() ? file : std::filesystem::absolute(file, error),
                             .plugin_dir = settings_.service.plugin_dir,
                             .libraries = {}};
    for (const auto& pool : settings_.pools)
        if (pool.enabled) targets.libraries.push_back(pool.plugin);
    watcher_.watch(targets, settings_.service.settle);
}

// A piece of a file can be good by itself: one that is being written is left alone, and so is one that was just
// changed.
void Server::on_news(Watcher::News news) {
    // Whichever of the two serves after an upgrade has seen it, and does it then.
    if (waits_for_heritage() || upgrade_.state() != UpgradeState::serving) return watcher_.postpone(news);
    if (news.configuration && !settles(settings_.file)) {
        watcher_.postpone({.configuration = true});
        news.configuration = false;
    }
    if (news.configuration && has_nothing(settings_.file))
        note_reload("file watch", fail("the file is empty, as on a full disk; nothing was changed",
                                       "say `caisson reload` if that is meant"));
    else if (news.configuration)
        static_cast<void>(reload("file watch"));
    else if (news.libraries)
        look_again();
}

// By the file's own clock; a time that is yet to come says nothing.
bool Server::settles(const std::filesystem::path& file) const {
    if (sys::being_written(file)) return false;
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file, error);
    const auto age = std::filesystem::file_time_type::clock::now() - changed;
    return error || age < age.zero() || age >= settings_.service.settle;
}

}  // namespace caisson::apps
