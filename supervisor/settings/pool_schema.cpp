// SPDX-License-Identifier: Apache-2.0
#include "settings/pool_schema.hpp"

#include <algorithm>
#include <array>

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

constexpr Choice<IsolationLevel> isolation_levels[] = {{"standard", IsolationLevel::standard},
                                                       {"none", IsolationLevel::none}};
constexpr Choice<RetryCause> retry_causes[] = {{"crashed", RetryCause::crashed},
                                               {"timed_out", RetryCause::timed_out},
                                               {"unavailable", RetryCause::unavailable},
                                               {"failed", RetryCause::failed}};
constexpr Choice<StartMethod> start_methods[] = {{"exec", StartMethod::exec}, {"zygote", StartMethod::zygote}};
constexpr Choice<QueueFull> queue_full_words[] = {{"refuse", QueueFull::refuse}, {"wait", QueueFull::wait}};

void read(Reader& in, Backoff& backoff) {
    in.duration("min", backoff.min, bounds::backoff_min);
    in.duration("max", backoff.max, bounds::backoff_max);
    in.count("steps", backoff.steps, bounds::backoff_steps);
    in.fraction("jitter", backoff.jitter);
}

void read(Reader& in, Restart& restart) {
    in.count("intensity", restart.intensity, bounds::restart_intensity);
    in.duration("period", restart.period, bounds::restart_period);
    in.count("call_crashes", restart.call_crashes, bounds::restart_call_crashes);
    in.table("backoff", [&](Reader& table) { read(table, restart.backoff); });
    in.duration("reset_after", restart.reset_after, bounds::reset_after);
    in.duration("cooldown", restart.cooldown, bounds::cooldown);
}

void read(Reader& in, Limits& limits) {
    in.size("memory", limits.memory, bounds::limit_memory);
    in.count("files", limits.files, bounds::limit_files);
    in.count("processes", limits.processes, bounds::limit_processes);
    in.size("file_size", limits.file_size, bounds::limit_file_size);
    in.size("core", limits.core, bounds::limit_core);
    in.duration("start_timeout", limits.start_timeout, bounds::start_timeout);
}

void read_plugin(Reader& in, std::filesystem::path& plugin) {
    const Node* node = in.take("plugin");
    if (!node) return;
    const auto* text = node->as<std::string>();
    if (!text) return in.wrong_type("plugin", *node, "a name or a path", "\"math\" or \"./libmath.so\"");
    // A name is looked for in plugin_dir, as a shell looks for a command without a slash in PATH.
    const auto path = in.resolved("plugin", node->place, *text);
    if (!path) return;
    if (*text == "." || *text == ".." || text->ends_with('/'))
        return in.wrong("plugin", node->place, cat("is ", in_quotes(*text), ", which is no library"), "name a file");
    plugin = text->find('/') == std::string::npos ? std::filesystem::path{*text} : *path;
}

void read(Reader& table, Elastic& elastic) {
    table.count("min", elastic.min, bounds::workers);
    table.count("max", elastic.max, bounds::workers);
    table.duration("idle", elastic.idle, bounds::elastic_idle);
    table.duration("grow_after", elastic.grow_after, bounds::grow_after);
}

/// A number, "cores" or a table: whatever stands here counts, and not what [defaults] says of another kind.
void read_workers(Reader& in, Pool& pool) {
    const Node* node = in.take("workers");
    if (!node || node->as<Table>()) {
        Elastic elastic = pool.elastic.value_or(Elastic{});
        in.table("workers", [&](Reader& table) { read(table, elastic); });
        if (!node) return;
        pool.workers.reset();
        pool.elastic = elastic;
        return;
    }
    auto& workers = pool.workers;
    pool.elastic.reset();
    const Bound& bound = bounds::workers;
    const std::string range = cat(bound.min, " to ", bound.max);
    if (const auto* number = node->as<std::int64_t>()) {
        if (*number == 0)
            in.wrong("workers", node->place, "is 0, and a pool without workers never answers",
                     "to switch a pool off, say enabled = false");
        else if (*number < 0)
            in.wrong("workers", node->place, cat("is negative, ", *number),
                     cat("allowed is ", range, ", or \"cores\""));
        else if (!bound.allows(static_cast<std::uint64_t>(*number)))
            in.wrong("workers", node->place, cat("is ", *number, ", above its bound of ", bound.max),
                     std::string{bound.reason});
        else
            workers = static_cast<std::uint32_t>(*number);
        return;
    }
    const auto* text = node->as<std::string>();
    if (text && *text == "cores") {
        workers.reset();
    } else {
        const std::array meant = {std::string{"cores"}};
        in.wrong("workers", node->place,
                 cat("is ", describe(*node), ", but must be a whole number from ", range, ", or \"cores\"",
                     text ? did_you_mean(*text, meant) : ""),
                 "for example workers = 4");
    }
}

void read_env(Reader& in, std::map<std::string, std::string>& env) {
    const Table* table = in.free_table("env", R"({ HOME = "/var/lib/math" })");
    if (!table) return;
    for (const Member& member : table->members) {
        const auto* value = member.value.as<std::string>();
        const std::string key = "env." + member.key;
        if (!is_env_name(member.key))
            in.wrong(key, member.place, "is no name of a variable", "use letters, digits and _, and no digit first");
        else if (!value)
            in.wrong(key, member.value.place, cat("is ", describe(member.value), ", but must be a text"),
                     "put the value in quotes");
        else if (value->find('\0') != std::string::npos)
            in.wrong(key, member.value.place, "has a zero byte in it");
        else if (member.key.size() + 1 + value->size() > bounds::env_entry_bytes)
            in.wrong(key, member.value.place, cat("is longer than its bound of ", bounds::env_entry_bytes, " bytes"),
                     "put long texts into [pool.NAME.settings] or a file");
        else
            env[member.key] = *value;
    }
    if (env.size() > bounds::env_entries)
        in.problem(table->members.front().place,
                   cat("env has ", env.size(), " variables, above its bound of ", bounds::env_entries));
}

void read_plugin_settings(Reader& in, std::string& settings_json) {
    const Table* table = in.free_table("settings", R"({ precision = 12 })");
    if (!table) return;
    auto merged = merge_json(settings_json, *table);
    if (merged)
        settings_json = std::move(*merged);
    else
        in.wrong("settings", merged.error().place, "has a value that no plugin could read: " + merged.error().what);
}

void read(Reader& in, Retry& retry) {
    in.count("retries", retry.retries, bounds::retries);
    in.choices<RetryCause>("retry_on", retry.on, retry_causes);
    std::ranges::sort(retry.on);
    in.table("retry_backoff", [&](Reader& table) {
        table.duration("min", retry.backoff_min, bounds::retry_backoff);
        table.duration("max", retry.backoff_max, bounds::retry_backoff);
    });
}

void read(Reader& in, Method& method) {
    std::uint32_t retries = method.retries.value_or(0);
    if (in.count("retries", retries, bounds::retries)) method.retries = retries;
    milliseconds timeout = method.timeout.value_or(0ms);
    if (in.duration("timeout", timeout, bounds::timeout)) method.timeout = timeout;
}

/// The methods are the plugin's own; whether it has them is known only when it runs.
void read_methods(Reader& in, std::map<std::string, Method>& methods) {
    in.tables("methods", "{ square = { retries = 3 } }", [&](Reader& table, const std::string& name, Place place) {
        if (!is_method_name(name))
            table.problem(
                place, cat(in_quotes(name), " is no name of a method: it has a-z, 0-9 and _, at least one and at most ",
                           bounds::method_name_bytes));
        read(table, methods[name]);
    });
}

/// What [defaults] and [pool.NAME] have in common.
void read_common(Reader& in, Pool& pool) {
    read_workers(in, pool);
    in.count("spares", pool.spares, bounds::spares);
    in.choice<StartMethod>("start", pool.start, start_methods);
    in.flag("enabled", pool.enabled);
    in.duration("timeout", pool.timeout, bounds::timeout);
    in.duration("heartbeat", pool.heartbeat, bounds::heartbeat);
    in.count("max_calls", pool.recycling.max_calls, bounds::max_calls);
    in.duration("max_age", pool.recycling.max_age, bounds::max_age);
    in.size("max_memory", pool.recycling.max_memory, bounds::max_memory);
    in.table("queue", [&](Reader& table) {
        table.count("calls", pool.queue.calls, bounds::queue_calls);
        table.size("bytes", pool.queue.bytes, bounds::queue_bytes);
        table.choice<QueueFull>("full", pool.queue.full, queue_full_words);
    });
    read(in, pool.retry);
    in.table("poison", [&](Reader& table) {
        table.count("crashes", pool.poison.crashes, bounds::poison_crashes);
        table.duration("window", pool.poison.window, bounds::poison_window);
    });
    in.table("restart", [&](Reader& table) { read(table, pool.restart); });
    in.table("canary", [&](Reader& table) {
        table.count("calls", pool.canary.calls, bounds::canary_calls);
        table.duration("time", pool.canary.time, bounds::canary_time);
    });
    in.table("stop", [&](Reader& table) { table.duration("grace", pool.stop.grace, bounds::grace); });
    in.table("limits", [&](Reader& table) { read(table, pool.limits); });
    in.table("isolation", [&](Reader& table) {
        table.choice<IsolationLevel>("level", pool.isolation.level, isolation_levels);
        table.flag("really_none", pool.isolation.really_none);
    });
    read_env(in, pool.env);
    read_plugin_settings(in, pool.settings_json);
}

}  // namespace

void read_named_pool(Reader& in, Pool& pool) {
    read_plugin(in, pool.plugin);
    read_methods(in, pool.methods);
    read_common(in, pool);
}

void read_defaults(Reader& in, Pool& pool) {
    in.elsewhere("methods", "methods are a plugin's own: say [pool.NAME.methods.METHOD]");
    read_common(in, pool);
}

}  // namespace caisson::settings
