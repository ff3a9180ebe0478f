// SPDX-License-Identifier: Apache-2.0
#include "cli/status_view.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/table.hpp"
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

std::string methods_table(const Json& pool) {
    Table table{{{"METHOD"}, {"INPUT"}, {"OUTPUT"}, {"DOES"}}};
    const Json& methods = member(pool, "methods");
    for (const auto& method : methods)
        table.add({cat(text(pool, "name"), '.', text(method, "name")), text(method, "input"), text(method, "output"),
                   text(method, "help")});
    return table.empty() ? std::string{} : cat('\n', table.text());
}

std::string workers_table(const Json& pools) {
    Table table{{{"WORKER"}, {"PID", Align::right}, {"STATE"}, {"CALLS", Align::right}, {"UP"}, {"METHOD"}}};
    for (const auto& pool : pools)
        for (const auto& worker : member(pool, "workers")) {
            const auto up = number(worker, "uptime_s");
            table.add({cat(text(pool, "name"), '/', digits(worker, "id")), digits(worker, "pid"), text(worker, "state"),
                       digits(worker, "calls"), up ? age(*up) : "", text(worker, "method")});
        }
    return table.empty() ? "there are no workers\n" : table.text();
}

}  // namespace

std::string status_text(const Json& status) {
    const Json& pools = member(status, "pools");
    return cat(supervisor_line(status), '\n', pools_table(pools), reasons(pools));
}

std::string pool_text(const Json& status) {
    const Json& pools = member(status, "pools");
    std::string out = cat(pools_table(pools), reasons(pools));
    for (const auto& pool : pools) {
        if (const auto plugin = text(pool, "plugin"); !plugin.empty()) out += cat("\nplugin ", plugin, '\n');
        out += methods_table(pool);
    }
    return cat(out, '\n', workers_table(pools));
}

std::string workers_text(const Json& status) { return workers_table(member(status, "pools")); }

}  // namespace caisson::cli
