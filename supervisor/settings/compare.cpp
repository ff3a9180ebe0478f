// SPDX-License-Identifier: Apache-2.0
#include "settings/compare.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>

#include "base/text.hpp"
#include "base/units.hpp"
#include "settings/problem.hpp"

namespace caisson::settings {
namespace {

/// How a value is shown. A secret is compared and never shown: environments and settings have passwords in them.
enum class Show : std::uint8_t { value, secret };

/// One key: what its change means, and its value as people write it.
template <class T>
struct Key {
    Change::Kind kind;
    std::string_view name;
    std::string (*value)(const T&);
    Show show = Show::value;
};

std::string say(bool is) { return is ? "true" : "false"; }
std::string say(std::uint32_t number) { return std::to_string(number); }
std::string say(std::uint64_t number) { return std::to_string(number); }
std::string say(milliseconds duration) { return format_duration(duration); }
std::string say(const std::string& text) { return in_quotes(text); }
std::string say(const std::filesystem::path& path) { return path.empty() ? "default" : in_quotes(path.native()); }
std::string say(double number) {
    char digits[32];
    return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}
/// How many workers.
std::string size_of(const Pool& pool) {
    if (!pool.elastic) return pool.workers ? say(*pool.workers) : "\"cores\"";
    const auto& [min, max, idle, grow_after] = *pool.elastic;
    return cat("{ min = ", min, max > 0 ? cat(", max = ", max) : "", ", idle = \"", format_duration(idle),
               "\", grow_after = \"", format_duration(grow_after), "\" }");
}
std::string say(StartMethod start) { return start == StartMethod::zygote ? "\"zygote\"" : "\"exec\""; }
std::string say(QueueFull full) { return full == QueueFull::wait ? "\"wait\"" : "\"refuse\""; }
std::string say(const std::vector<RetryCause>& causes) {
    std::string text;
    for (const RetryCause cause : causes) text += cat(text.empty() ? "" : ", ", '"', word(cause), '"');
    return '[' + text + ']';
}
std::string say(const Method& method) {
    std::string text;
    if (method.retries) text += cat("retries = ", *method.retries);
    if (method.timeout) text += cat(text.empty() ? "" : ", ", "timeout = \"", format_duration(*method.timeout), '"');
    return "{ " + text + " }";
}
std::string say(const std::map<std::string, Method>& methods) {
    std::string text;
    for (const auto& [name, method] : methods) {
        if (method != Method{}) text += cat(text.empty() ? "{ " : ", ", name, " = ", say(method));
    }
    return text.empty() ? "{}" : text + " }";
}
std::string say(LogFormat format) { return format == LogFormat::json ? "\"json\"" : "\"text\""; }
std::string say(const Isolation& isolation) {
    return isolation.level == IsolationLevel::none ? "\"none\"" : "\"standard\"";
}
std::string say(const std::vector<std::string>& entries) {
    std::string text;
    for (const std::string& entry : entries) text += (text.empty() ? "" : ", ") + in_quotes(entry);
    return '[' + text + ']';
}
std::string say(const std::map<std::string, std::string>& env) {
    std::string text;
    // A zero byte stands in no name and no value.
    for (const auto& [name, value] : env) text += name + '=' + value + '\0';
    return text;
}

constexpr Key<Settings> service_keys[] = {
    {Change::restart, "service.socket", [](const Settings& s) { return say(s.service.socket); }},
    {Change::adjusted, "service.plugin_dir", [](const Settings& s) { return say(s.service.plugin_dir); }},
    {Change::adjusted, "service.discover", [](const Settings& s) { return say(s.service.discover); }},
    {Change::adjusted, "service.watch", [](const Settings& s) { return say(s.service.watch); }},
    {Change::adjusted, "service.settle", [](const Settings& s) { return say(s.service.settle); }},
    {Change::restart, "service.state_dir", [](const Settings& s) { return say(s.service.state_dir); }},
    {Change::restart, "service.crash_reports", [](const Settings& s) { return say(s.service.crash_reports); }},
    {Change::adjusted, "service.max_sessions", [](const Settings& s) { return say(s.service.max_sessions); }},
    {Change::adjusted, "service.max_sessions_per_user",
     [](const Settings& s) { return say(s.service.max_sessions_per_user); }},
    {Change::adjusted, "service.handshake_timeout", [](const Settings& s) { return say(s.service.handshake_timeout); }},
    {Change::adjusted, "service.drain", [](const Settings& s) { return say(s.service.drain); }},
    {Change::adjusted, "service.upgrade_timeout", [](const Settings& s) { return say(s.service.upgrade_timeout); }},
    {Change::adjusted, "service.idle_timeout", [](const Settings& s) { return say(s.service.idle_timeout); }},
    {Change::restart, "access.mode", [](const Settings& s) { return say(s.access.mode); }},
    {Change::restart, "access.group", [](const Settings& s) { return say(s.access.group); }},
    {Change::adjusted, "access.call", [](const Settings& s) { return say(s.access.call); }},
    {Change::adjusted, "access.operate", [](const Settings& s) { return say(s.access.operate); }},
    {Change::adjusted, "access.admin", [](const Settings& s) { return say(s.access.admin); }},
    {Change::adjusted, "log.level", [](const Settings& s) { return say(s.log.level); }},
    {Change::restart, "log.format", [](const Settings& s) { return say(s.log.format); }},
    {Change::restart, "log.file", [](const Settings& s) { return say(s.log.file); }},
    {Change::adjusted, "log.plugin_lines", [](const Settings& s) { return say(s.log.plugin_lines); }},
    {Change::adjusted, "log.plugin_line_bytes", [](const Settings& s) { return format_size(s.log.plugin_line_bytes); }},
    {Change::adjusted, "metrics.listen", [](const Settings& s) { return say(s.metrics.listen); }},
    {Change::adjusted, "metrics.hosts", [](const Settings& s) { return say(s.metrics.hosts); }},
    {Change::adjusted, "metrics.page", [](const Settings& s) { return say(s.metrics.page); }},
    {Change::adjusted, "metrics.operate", [](const Settings& s) { return say(s.metrics.operate); }},
};

constexpr Key<Pool> pool_keys[] = {
    {Change::resized, "workers", [](const Pool& p) { return size_of(p); }},
    {Change::resized, "spares", [](const Pool& p) { return say(p.spares); }},
    {Change::adjusted, "start", [](const Pool& p) { return say(p.start); }},
    {Change::adjusted, "timeout", [](const Pool& p) { return say(p.timeout); }},
    {Change::adjusted, "max_calls", [](const Pool& p) { return say(p.recycling.max_calls); }},
    {Change::adjusted, "max_age", [](const Pool& p) { return say(p.recycling.max_age); }},
    {Change::adjusted, "max_memory", [](const Pool& p) { return format_size(p.recycling.max_memory); }},
    {Change::adjusted, "queue.calls", [](const Pool& p) { return say(p.queue.calls); }},
    {Change::adjusted, "queue.bytes", [](const Pool& p) { return format_size(p.queue.bytes); }},
    {Change::adjusted, "queue.full", [](const Pool& p) { return say(p.queue.full); }},
    {Change::adjusted, "retries", [](const Pool& p) { return say(p.retry.retries); }},
    {Change::adjusted, "retry_on", [](const Pool& p) { return say(p.retry.on); }},
    {Change::adjusted, "retry_backoff.min", [](const Pool& p) { return say(p.retry.backoff_min); }},
    {Change::adjusted, "retry_backoff.max", [](const Pool& p) { return say(p.retry.backoff_max); }},
    {Change::adjusted, "poison.crashes", [](const Pool& p) { return say(p.poison.crashes); }},
    {Change::adjusted, "poison.window", [](const Pool& p) { return say(p.poison.window); }},
    {Change::adjusted, "methods", [](const Pool& p) { return say(p.methods); }},
    {Change::adjusted, "restart.intensity", [](const Pool& p) { return say(p.restart.intensity); }},
    {Change::adjusted, "restart.period", [](const Pool& p) { return say(p.restart.period); }},
    {Change::adjusted, "restart.call_crashes", [](const Pool& p) { return say(p.restart.call_crashes); }},
    {Change::adjusted, "restart.backoff.min", [](const Pool& p) { return say(p.restart.backoff.min); }},
    {Change::adjusted, "restart.backoff.max", [](const Pool& p) { return say(p.restart.backoff.max); }},
    {Change::adjusted, "restart.backoff.steps", [](const Pool& p) { return say(p.restart.backoff.steps); }},
    {Change::adjusted, "restart.backoff.jitter", [](const Pool& p) { return say(p.restart.backoff.jitter); }},
    {Change::adjusted, "restart.reset_after", [](const Pool& p) { return say(p.restart.reset_after); }},
    {Change::adjusted, "restart.cooldown", [](const Pool& p) { return say(p.restart.cooldown); }},
    {Change::adjusted, "canary.calls", [](const Pool& p) { return say(p.canary.calls); }},
    {Change::adjusted, "canary.time", [](const Pool& p) { return say(p.canary.time); }},
    {Change::adjusted, "stop.grace", [](const Pool& p) { return say(p.stop.grace); }},
    {Change::adjusted, "limits.start_timeout", [](const Pool& p) { return say(p.limits.start_timeout); }},
    {Change::tried, "plugin", [](const Pool& p) { return say(p.plugin); }},
    {Change::rolled, "heartbeat", [](const Pool& p) { return say(p.heartbeat); }},
    {Change::rolled, "limits.memory", [](const Pool& p) { return format_size(p.limits.memory); }},
    {Change::rolled, "limits.files", [](const Pool& p) { return say(p.limits.files); }},
    {Change::rolled, "limits.processes", [](const Pool& p) { return say(p.limits.processes); }},
    {Change::rolled, "limits.file_size", [](const Pool& p) { return format_size(p.limits.file_size); }},
    {Change::rolled, "limits.core", [](const Pool& p) { return format_size(p.limits.core); }},
    {Change::rolled, "isolation.level", [](const Pool& p) { return say(p.isolation); }},
    {Change::rolled, "env", [](const Pool& p) { return say(p.env); }, Show::secret},
    {Change::rolled, "settings", [](const Pool& p) { return p.settings_json; }, Show::secret},
};

template <class T>
void compare(std::span<const Key<T>> keys, const T& now, const T& next, const std::string& pool,
             std::vector<Change>& found) {
    const std::string label = pool.empty() ? "" : cat("pool ", pool, ": ");
    for (const Key<T>& key : keys) {
        const std::string before = key.value(now);
        const std::string after = key.value(next);
        if (before == after) continue;
        if (key.kind == Change::restart)
            found.push_back({key.kind, pool, cat(label, key.name, ": needs a restart of the service")});
        else if (key.show == Show::secret)
            found.push_back({key.kind, pool, cat(label, key.name, " changed")});
        else
            found.push_back({key.kind, pool, cat(label, key.name, ' ', before, " -> ", after)});
    }
}

const Pool* enabled_pool(const Settings& settings, const std::string& name) {
    const auto found = std::ranges::find(settings.pools, name, &Pool::name);
    return found == settings.pools.end() || !found->enabled ? nullptr : &*found;
}

}  // namespace

std::string_view effect(Change::Kind kind) {
    switch (kind) {
        case Change::added:
            return "it starts";
        case Change::removed:
            return "it finishes its calls and goes";
        case Change::resized:
            return "workers come or go; the others stay";
        case Change::rolled:
            return "its workers are replaced one by one";
        case Change::adjusted:
            return "applies at once";
        case Change::restart:
            return "nothing until then";
        case Change::tried:
            return "one worker tries it, then the others are replaced one by one";
    }
    return "";
}

std::vector<Change> changes(const Settings& now, const Settings& next) {
    std::vector<Change> found;
    compare<Settings>(service_keys, now, next, "", found);
    for (const Pool& pool : now.pools) {
        if (!pool.enabled) continue;
        if (const Pool* other = enabled_pool(next, pool.name))
            compare<Pool>(pool_keys, pool, *other, pool.name, found);
        else
            found.push_back({Change::removed, pool.name, cat("pool ", pool.name, ": removed")});
    }
    for (const Pool& pool : next.pools)
        if (pool.enabled && !enabled_pool(now, pool.name))
            found.push_back({Change::added, pool.name, cat("pool ", pool.name, ": added, workers ", size_of(pool))});
    return found;
}

}  // namespace caisson::settings
