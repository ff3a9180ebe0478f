// SPDX-License-Identifier: Apache-2.0
#include "embed/pool_settings.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.hpp"
#include "base/units.hpp"
#include "embed/document.hpp"
#include "settings/discover.hpp"
#include "settings/validate.hpp"
#include "wire/frame.hpp"

namespace caisson::embed {
namespace {

namespace bounds = settings::bounds;
namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Checks one option after the other, and keeps the first fault.
class Checks {
   public:
    void count(std::string_view option, std::int64_t value, const settings::Bound& bound) {
        if (value >= 0 && bound.allows(static_cast<std::uint64_t>(value))) return;
        note(cat(option, " is ", value, ", but must be ", bound.or_zero ? "0 or " : "", bound.min, " to ", bound.max),
             bound.reason);
    }
    void size(std::string_view option, std::uint64_t value, const settings::Bound& bound) {
        if (!bound.allows(value))
            note(cat(option, " is ", value, ", but must be ", bound.or_zero ? "0 or " : "", bound.min, " to ",
                     bound.max),
                 bound.reason);
    }
    void time(std::string_view option, milliseconds value, const settings::Span& span) {
        if (!span.allows(value))
            note(cat(option, " is ", value.count(), "ms, but must be ", span.or_zero ? "0 or " : "",
                     format_duration(span.min), " to ", format_duration(span.max)),
                 span.reason);
    }
    void note(std::string what, std::string_view hint) {
        if (!first_) first_ = Error{std::move(what), std::string{hint}};
    }
    [[nodiscard]] const std::optional<Error>& first() const { return first_; }

   private:
    std::optional<Error> first_;
};

settings::RetryCause cause_of(RetryOn on) {
    switch (on) {
        case RetryOn::crashed:
            return settings::RetryCause::crashed;
        case RetryOn::timed_out:
            return settings::RetryCause::timed_out;
        case RetryOn::unavailable:
            return settings::RetryCause::unavailable;
        case RetryOn::failed:
            return settings::RetryCause::failed;
    }
    return settings::RetryCause::crashed;
}

std::vector<settings::RetryCause> causes_of(const std::vector<RetryOn>& on) {
    std::vector<settings::RetryCause> causes;
    std::ranges::transform(on, std::back_inserter(causes), cause_of);
    std::ranges::sort(causes);
    const auto repeated = std::ranges::unique(causes);
    causes.erase(repeated.begin(), repeated.end());
    return causes;
}

/// The library that a plugin's name stands for.
Result<fs::path> find_plugin(const std::string& plugin, const fs::path& plugin_dir) {
    if (plugin.empty()) return fail("no plugin is named", "say .plugin = \"NAME\", or the path of a library");
    std::error_code error;
    const bool is_path = plugin.find('/') != std::string::npos;
    const auto named = is_path ? fs::absolute(plugin, error).lexically_normal() : fs::path{plugin};
    const auto folder = is_path ? named.parent_path() : plugin_dir;
    const auto candidates = settings::library_candidates(named, folder);
    for (const auto& candidate : candidates)
        if (settings::look_at(candidate)) return candidate;
    if (folder.empty())
        return fail(cat("plugin ", in_quotes(plugin), ": no folder of plugins is known"),
                    "set EngineOptions::plugin_dir or CAISSON_PLUGIN_DIR, or name the path of the library");
    std::string names;
    for (const auto& candidate : candidates) names += cat(names.empty() ? "" : " or ", candidate.filename().native());
    return fail(cat("plugin ", in_quotes(plugin), ": there is no ", names, " in ", in_quotes(folder.native())));
}

void take_limits(Checks& checks, const LimitOptions& from, settings::Limits& to) {
    checks.size("limits.memory", from.memory, bounds::limit_memory);
    checks.size("limits.files", from.files, bounds::limit_files);
    checks.size("limits.processes", from.processes, bounds::limit_processes);
    checks.size("limits.file_size", from.file_size, bounds::limit_file_size);
    checks.size("limits.core", from.core, bounds::limit_core);
    checks.time("limits.start_timeout", from.start_timeout, bounds::start_timeout);
    to = {.memory = from.memory,
          .files = from.files,
          .processes = from.processes,
          .file_size = from.file_size,
          .core = from.core,
          .start_timeout = from.start_timeout};
}

void take_restart(Checks& checks, const RestartOptions& from, settings::Restart& to) {
    checks.size("restart.intensity", from.intensity, bounds::restart_intensity);
    checks.time("restart.period", from.period, bounds::restart_period);
    checks.size("restart.call_crashes", from.call_crashes, bounds::restart_call_crashes);
    checks.time("restart.backoff_min", from.backoff_min, bounds::backoff_min);
    checks.time("restart.backoff_max", from.backoff_max, bounds::backoff_max);
    checks.time("restart.reset_after", from.reset_after, bounds::reset_after);
    checks.time("restart.cooldown", from.cooldown, bounds::cooldown);
    to.intensity = from.intensity;
    to.period = from.period;
    to.call_crashes = from.call_crashes;
    to.backoff.min = from.backoff_min;
    to.backoff.max = from.backoff_max;
    to.reset_after = from.reset_after;
    to.cooldown = from.cooldown;
}

void take_calls(Checks& checks, const PoolOptions& from, settings::Pool& to) {
    checks.time("timeout", from.timeout, bounds::timeout);
    checks.count("retries", from.retries, bounds::retries);
    checks.time("retry_backoff.min", from.retry_backoff.min, bounds::retry_backoff);
    checks.time("retry_backoff.max", from.retry_backoff.max, bounds::retry_backoff);
    checks.size("queue.calls", from.queue.calls, bounds::queue_calls);
    checks.size("queue.bytes", from.queue.bytes, bounds::queue_bytes);
    checks.size("poison.crashes", from.poison.crashes, bounds::poison_crashes);
    checks.time("poison.window", from.poison.window, bounds::poison_window);
    to.timeout = from.timeout;
    to.retry.retries = static_cast<std::uint32_t>(std::max(from.retries, 0));
    to.retry.on = causes_of(from.retry_on);
    to.retry.backoff_min = from.retry_backoff.min;
    to.retry.backoff_max = from.retry_backoff.max;
    to.queue = {.calls = from.queue.calls,
                .bytes = from.queue.bytes,
                .full = from.queue.full == WhenFull::wait ? settings::QueueFull::wait : settings::QueueFull::refuse};
    to.poison = {.crashes = from.poison.crashes, .window = from.poison.window};
}

void take_surroundings(Checks& checks, const std::map<std::string, std::string>& env,
                       const std::string& plugin_settings, Isolation isolation, settings::Pool& to) {
    for (const auto& [name, value] : env)
        if (!settings::is_env_name(name) || value.find('\0') != std::string::npos)
            checks.note(cat("env: ", in_quotes(name), " can be no variable"), "a name is [A-Za-z_][A-Za-z0-9_]*");
    if (!plugin_settings.empty() && !is_json_object(plugin_settings))
        checks.note("settings is no JSON object", "write it as {\"key\": value}");
    to.env = env;
    to.settings_json = plugin_settings.empty() ? "{}" : plugin_settings;
    if (isolation != Isolation::none) return;
    to.isolation = {.level = settings::IsolationLevel::none, .really_none = true};
}

/// The plugin, the name that it gives to the pool, and what contradicts itself.
Result<settings::Pool> finish(Checks checks, settings::Pool pool, const std::string& plugin, const std::string& name,
                              const fs::path& plugin_dir) {
    for (const auto& found : settings::contradictions(pool)) checks.note(found.error.what, found.error.hint);
    if (!name.empty() && !settings::is_pool_name(name))
        checks.note(cat("name: ", in_quotes(name), " is no name of a pool"), "it has a-z, 0-9, _ and -, at most 64");
    if (checks.first()) return std::unexpected(*checks.first());
    auto library = find_plugin(plugin, plugin_dir);
    if (!library) return std::unexpected(library.error());
    pool.plugin = *library;
    pool.name = !name.empty() ? name : settings::near_pool_name(settings::pool_name_of(library->filename().native()));
    return pool;
}

}  // namespace

Result<settings::Pool> pool_settings(const PoolOptions& options, const fs::path& plugin_dir) {
    Checks checks;
    settings::Pool pool;
    if (options.workers != 0) {
        checks.count("workers", options.workers, bounds::workers);
        pool.workers = static_cast<std::uint32_t>(std::max(options.workers, 1));
    }
    checks.count("spares", options.spares, bounds::spares);
    pool.spares = static_cast<std::uint32_t>(std::max(options.spares, 0));
    pool.start = options.start == StartMethod::zygote ? settings::StartMethod::zygote : settings::StartMethod::exec;
    take_calls(checks, options, pool);
    take_restart(checks, options.restart, pool.restart);
    take_limits(checks, options.limits, pool.limits);
    take_surroundings(checks, options.env, options.settings, options.isolation, pool);
    checks.time("grace", options.grace, bounds::grace);
    pool.stop.grace = options.grace;
    return finish(std::move(checks), std::move(pool), options.plugin, options.name, plugin_dir);
}

Result<settings::Pool> process_settings(const ProcessOptions& options, const fs::path& plugin_dir) {
    Checks checks;
    settings::Pool pool;
    pool.workers = 1;
    pool.timeout = options.timeout;
    pool.stop.grace = options.grace;
    pool.poison.crashes = 0;
    checks.time("timeout", options.timeout, bounds::timeout);
    checks.time("grace", options.grace, bounds::grace);
    take_limits(checks, options.limits, pool.limits);
    take_surroundings(checks, options.env, options.settings, options.isolation, pool);
    if (options.method.empty()) checks.note("no method is named", "say .method = \"NAME\"");
    return finish(std::move(checks), std::move(pool), options.plugin, {}, plugin_dir);
}

std::optional<Error> fault_of(const CallTerms& terms) {
    Checks checks;
    if (terms.timeout) checks.time("timeout", *terms.timeout, bounds::timeout);
    if (terms.retries) checks.count("retries", *terms.retries, bounds::retries);
    if (terms.priority < wire::min_priority || terms.priority > wire::max_priority)
        checks.note(
            cat("priority is ", terms.priority, ", but must be ", wire::min_priority, " to ", wire::max_priority),
            "larger goes first, 0 is the usual one");
    if (terms.params.size() > wire::max_params_bytes)
        checks.note(cat("params have ", terms.params.size(), " bytes, at most ", wire::max_params_bytes,
                        " are taken (max_params_bytes)"),
                    "hand large things over as input");
    if (!terms.params.empty() && !is_json_object(terms.params))
        checks.note("params are no JSON object", "write them as {\"key\": value}");
    return checks.first();
}

std::optional<Error> fault_of_workers(int workers) {
    Checks checks;
    checks.count("workers", workers, bounds::workers);
    return checks.first();
}

}  // namespace caisson::embed
