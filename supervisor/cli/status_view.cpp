// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/lines.hpp"
#include "cli/table.hpp"
#include "cli/top/figures.hpp"
#include "cli/words.hpp"

namespace caisson::cli {
namespace {

using Align = Table::Align;

std::string supervisor_line(const Json& status) {
    const Json& supervisor = member(status, "supervisor");
    std::string out = cat("caisson ", text(supervisor, "version"), ", pid ", digits(supervisor, "pid"));
    if (const auto state = text(supervisor, "state"); !state.empty()) out += cat(", ", state);
    if (const auto up = number(supervisor, "uptime_s")) out += cat(", up ", age(*up));
    if (const auto socket = text(supervisor, "socket"); !socket.empty()) out += cat("\nsocket ", socket);
    if (const auto config = text(supervisor, "config"); !config.empty()) out += cat("\nconfig ", config);
    return out + '\n';
}

std::string count_of(const Json& pool, const char* outcome) {
    const auto count = number(member(pool, "calls"), outcome);
    return count && *count >= 0 ? grouped(static_cast<std::uint64_t>(*count)) : std::string{};
}

// "3/4": those that can take a call, of those that there should be.
std::string ready_of_target(const Json& pool) {
    const Json& workers = member(pool, "workers");
    const auto ready = std::ranges::count_if(workers, [](const Json& worker) {
        const auto state = text(worker, "state");
        return state == "idle" || state == "running";
    });
    const auto target = number(pool, "target").value_or(static_cast<std::int64_t>(workers.size()));
    return cat(ready, '/', target);
}

std::string pools_table(const Json& pools) {
    Table table{{{"POOL"},
                 {"STATE"},
                 {"VERSION"},
                 {"WORKERS", Align::right},
                 {"RUNNING", Align::right},
                 {"QUEUED", Align::right},
                 {"RESTARTS", Align::right},
                 {"OK", Align::right},
                 {"FAILED", Align::right},
                 {"CRASHED", Align::right},
                 {"TIMED OUT", Align::right}}};
    for (const auto& pool : pools)
        table.add({text(pool, "name"), text(pool, "state"), text(pool, "version"), ready_of_target(pool),
                   digits(pool, "running"), digits(pool, "queued"), digits(pool, "restarts"), count_of(pool, "ok"),
                   count_of(pool, "failed"), count_of(pool, "crashed"), count_of(pool, "timed_out")});
    return table.empty() ? "there are no pools: the configuration names none and the plugin folder is empty\n"
                         : table.text();
}

std::string reasons(const Json& pools) {
    std::string out;
    for (const auto& pool : pools)
        if (const auto reason = text(pool, "reason"); !reason.empty())
            out += cat("pool ", text(pool, "name"), " is ", text(pool, "state"), ": ", reason, '\n');
    for (const auto& pool : pools)
        if (const auto reason = text(pool, "no_zygote"); !reason.empty())
            out += cat("pool ", text(pool, "name"), " starts its workers by exec: ", reason, '\n');
    return out.empty() ? out : cat('\n', out);
}

// What does not run although somebody wants it to.
std::string problems(const Json& status) {
    std::string out;
    const Json& supervisor = member(status, "supervisor");
    const auto add = [&](const Json& problem) {
        if (problem.is_string() && !problem.get_ref<const std::string&>().empty())
            out += cat(printable_lines(problem.get_ref<const std::string&>(), "  "), '\n');
    };
    if (const Json& list = member(supervisor, "problems"); list.is_array())
        for (const auto& problem : list) add(problem);
    add(member(member(supervisor, "http"), "problem"));
    if (const auto dropped = number(supervisor, "log_dropped").value_or(0); dropped > 0)
        out += cat(counted(static_cast<std::uint64_t>(dropped), "line"), " of the log could not be written\n");
    return out.empty() ? out : cat('\n', out);
}

std::string time_text(const Json& part, const char* name) {
    const auto time_s = real(part, name);
    return time_s ? top::short_time(*time_s) : std::string{};
}

std::string rate_text(const Json& pool) {
    const Json& rates = member(pool, "rates");
    std::string out;
    for (const char* const span : {"1s", "10s", "60s"}) {
        const Json& rate = member(rates, span);
        if (rate.is_number())
            out += cat(out.empty() ? "" : ", ", one_decimal(rate.get<double>()), " in ", std::string_view{span});
    }
    return out.empty() ? out : cat("calls a second: ", out, '\n');
}

std::string latency_table(const Json& pool) {
    Table table{{{"CALLS"},
                 {"P50 LAST MINUTE", Align::right},
                 {"P99 LAST MINUTE", Align::right},
                 {"P50 SINCE START", Align::right},
                 {"P99 SINCE START", Align::right}}};
    const Json& latency = member(pool, "latency");
    if (number(member(latency, "start"), "calls").value_or(0) == 0) return {};
    for (const char* const part : {"waiting", "running", "total"}) {
        const Json& minute = member(member(latency, "minute"), part);
        const Json& start = member(member(latency, "start"), part);
        const bool recent = number(member(latency, "minute"), "calls").value_or(0) > 0;
        table.add({part, recent ? time_text(minute, "p50_s") : "", recent ? time_text(minute, "p99_s") : "",
                   time_text(start, "p50_s"), time_text(start, "p99_s")});
    }
    return cat('\n', table.text());
}

// "3 quarantined, 1 queue_full"; nothing if nothing was counted.
std::string counts_text(std::string_view label, const Json& counts) {
    std::string out;
    if (!counts.is_object()) return out;
    for (const auto& [word, count] : counts.items())
        if (count.is_number_unsigned() && count > 0)
            out += cat(out.empty() ? "" : ", ", grouped(count.get<std::uint64_t>()), ' ', printable(word));
    return out.empty() ? out : cat(label, ": ", out, '\n');
}

// Which bytes the workers run, and which are on trial.
std::string library_text(const Json& pool) {
    std::string out;
    if (const auto plugin = text(pool, "plugin"); !plugin.empty()) out += cat("\nplugin ", plugin, '\n');
    const Json& library = member(pool, "library");
    if (const auto hash = text(library, "hash"); !hash.empty())
        out += cat("version ", text(library, "version"), ", hash ", hash, ", loaded from ",
                   text(library, "loaded") == "image" ? "a sealed copy" : "its path", '\n');
    if (const auto why = text(library, "by_path"); !why.empty()) out += cat("by its path, for ", why, '\n');
    if (const auto why = text(library, "problem"); !why.empty()) out += cat("cannot be read now: ", why, '\n');
    if (const Json& next = member(library, "candidate"); next.is_object())
        out += cat("version ", text(next, "version"), ", hash ", text(next, "hash"), " is tried by worker ",
                   digits(next, "worker"), " (", text(next, "state"), ", ", digits(next, "calls"), " calls)\n");
    if (const Json& bad = member(library, "rolled_back"); bad.is_object())
        out += cat("hash ", text(bad, "hash"), " was rolled back: ", text(bad, "why"), '\n');
    return out;
}

std::string breaker_text(const Json& pool) {
    const Json& breaker = member(pool, "breaker");
    const auto state = text(breaker, "state");
    if (state.empty() || state == "closed") return {};
    const auto probe = number(breaker, "probe_in_s");
    return cat("breaker ", state == "half_open" ? "half open" : state,
               probe ? cat(", a worker tries in ", age(*probe)) : std::string{}, '\n');
}

// Since when it is what it is, and what went wrong so far.
std::string history_text(const Json& pool) {
    std::string out;
    if (const auto since = number(pool, "since_s")) out += cat(text(pool, "state"), " for ", age(*since), '\n');
    out += breaker_text(pool);
    if (const Json& size = member(pool, "size"); size.is_object())
        out += cat("workers follow the work, ", digits(size, "min"), " to ", digits(size, "max"), '\n');
    if (const auto memory = number(pool, "memory_bytes"))
        out += cat("memory of the workers ", top::short_size(*memory), '\n');
    out += rate_text(pool);
    out += counts_text("calls", member(pool, "calls"));
    out += counts_text("refused", member(pool, "refused"));
    out += counts_text("timed out", member(pool, "timed_out"));
    out += counts_text("crashes", member(pool, "crashes"));
    out += counts_text("restarts by what ended", member(pool, "restarts_by"));
    if (const Json& last = member(pool, "last_crash"); last.is_object())
        out += cat("last crash ", text(last, "time"), ": ", text(last, "message"), "\n  see `caisson crashes ",
                   text(last, "report"), "`\n");
    return cat(out, latency_table(pool));
}

std::string methods_table(const Json& pool) {
    Table table{{{"METHOD"}, {"INPUT"}, {"OUTPUT"}, {"DOES"}}};
    const Json& methods = member(pool, "methods");
    for (const auto& method : methods)
        table.add({cat(text(pool, "name"), '.', text(method, "name")), text(method, "input"), text(method, "output"),
                   text(method, "help")});
    return table.empty() ? std::string{} : cat('\n', table.text());
}

std::string workers_table(const Json& pools) {
    Table table{{{"WORKER"},
                 {"PID", Align::right},
                 {"STATE"},
                 {"CALLS", Align::right},
                 {"UP"},
                 {"MEMORY", Align::right},
                 {"METHOD"},
                 {"RUNNING FOR"}}};
    for (const auto& pool : pools)
        for (const auto& worker : member(pool, "workers")) {
            const auto up = number(worker, "uptime_s");
            const auto memory = number(worker, "memory_bytes");
            const auto running = number(worker, "running_s");
            table.add({cat(text(pool, "name"), '/', digits(worker, "id")), digits(worker, "pid"), text(worker, "state"),
                       digits(worker, "calls"), up ? age(*up) : "", memory ? top::short_size(*memory) : "",
                       text(worker, "method"), running ? age(*running) : ""});
        }
    return table.empty() ? "there are no workers\n" : table.text();
}

}  // namespace

std::string status_text(const Json& status) {
    const Json& pools = member(status, "pools");
    return cat(supervisor_line(status), '\n', pools_table(pools), reasons(pools), problems(status));
}

std::string pool_text(const Json& status) {
    const Json& pools = member(status, "pools");
    std::string out = cat(pools_table(pools), reasons(pools));
    for (const auto& pool : pools) {
        out += library_text(pool);
        out += history_text(pool);
        out += methods_table(pool);
    }
    return cat(out, '\n', workers_table(pools));
}

std::string workers_text(const Json& status) { return workers_table(member(status, "pools")); }

}  // namespace caisson::cli
