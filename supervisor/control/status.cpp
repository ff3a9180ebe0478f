// SPDX-License-Identifier: Apache-2.0
#include "control/status.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/version.hpp"

namespace caisson::control {
namespace {

using nlohmann::json;

json worker_json(const fleet::Crew::Slot& slot, TimePoint now) {
    if (!slot.worker)
        return {{"id", slot.id}, {"pid", 0}, {"state", fleet::Crew::word_of(slot)}, {"calls", 0}, {"uptime_s", 0.0}};
    const auto& worker = *slot.worker;
    json out{{"id", worker.id()},
             {"pid", worker.pid()},
             {"state", fleet::Crew::word_of(slot)},
             {"calls", worker.calls()},
             {"uptime_s", seconds(now - worker.since())}};
    if (const auto method = worker.running_method(); !method.empty()) out["method"] = method;
    if (const auto since = worker.running_since()) out["running_s"] = seconds(now - *since);
    return out;
}

json methods_json(const fleet::PluginInfo& info) {
    auto list = json::array();
    for (const auto& method : info.methods)
        list.push_back({{"name", method.name},
                        {"help", method.help},
                        {"input", method.input},
                        {"output", method.output},
                        {"idempotent", method.idempotent}});
    return list;
}

/// What workers load, and what is on trial or was refused. Null before the library was read.
json library_json(const fleet::Crew& crew, TimePoint now) {
    const auto& library = crew.library();
    if (!library) return nullptr;
    json out{{"path", library->path.string()},
             {"hash", library->hash},
             {"version", crew.info() ? crew.info()->version : ""},
             {"loaded", library->image ? "image" : "path"}};
    if (!library->by_path.empty()) out["by_path"] = library->by_path;
    if (!crew.library_problem().empty()) out["problem"] = crew.library_problem();
    if (const auto& trial = crew.trial()) {
        const auto* const worker = trial->slot->worker.get();
        const bool ready = worker != nullptr && worker->usable();
        out["candidate"] = {{"path", trial->library->path.string()},
                            {"hash", trial->library->hash},
                            {"version", worker != nullptr && worker->info() ? worker->info()->version : ""},
                            {"worker", trial->slot->id},
                            {"state", ready ? "trying" : "starting"},
                            {"calls", trial->judge.calls()},
                            {"ends", trial->judge.ends()},
                            {"since_s", seconds(now - trial->since)}};
    }
    if (const auto& refused = crew.refused())
        out["rolled_back"] = {{"hash", refused->library->hash}, {"why", refused->why}};
    return out;
}

json pool_json(const dispatch::Pool& pool, const fleet::Crew& crew, TimePoint now) {
    json out{{"name", crew.name()},
             {"state", pool.removed ? "draining" : word(crew.state())},
             {"plugin", crew.settings().plugin.string()},
             {"version", crew.info() ? crew.info()->version : ""},
             {"queued", pool.queue.size()},
             {"running", pool.running},
             {"resting", pool.resting},
             {"retries", pool.counters.retries},
             {"restarts", crew.restarts()},
             {"target", crew.target()},
             {"spares", crew.settings().spares},
             {"start", crew.settings().start == settings::StartMethod::zygote ? "zygote" : "exec"}};
    if (const auto* const zygote = crew.zygote())
        out["zygote"] = {{"pid", zygote->pid()}, {"state", zygote->usable() ? "ready" : word(zygote->state())}};
    if (!crew.no_zygote().empty()) out["no_zygote"] = crew.no_zygote();
    if (auto library = library_json(crew, now); !library.is_null()) out["library"] = std::move(library);
    if (!crew.reason().empty()) out["reason"] = crew.reason();
    out["methods"] = crew.info() ? methods_json(*crew.info()) : json::array();
    for (std::size_t i = 0; i < wire::outcome_words.size(); ++i)
        out["calls"][std::string{wire::outcome_words[i]}] = pool.counters.by_outcome[i];
    auto& workers = out["workers"] = json::array();
    for (const auto& slot : crew.slots()) workers.push_back(worker_json(*slot, now));
    return out;
}

}  // namespace

json status(const dispatch::Dispatcher& dispatcher, const ServiceFacts& facts, std::string_view only_pool) {
    const auto now = Clock::now();
    json out{{"supervisor",
              {{"pid", ::getpid()},
               {"version", version_text},
               {"uptime_s", seconds(now - facts.started)},
               {"socket", facts.socket.string()},
               {"config", facts.config.string()},
               {"state", dispatcher.stopping() ? "stopping" : "serving"},
               {"problems", facts.problems}}}};
    if (facts.reload)
        out["supervisor"]["reload"] = {{"time", facts.reload->time},
                                       {"ok", facts.reload->ok},
                                       {"message", facts.reload->message},
                                       {"source", facts.reload->source}};
    auto& pools = out["pools"] = json::array();
    for (const auto& [name, pool] : dispatcher.pools())
        if (only_pool.empty() || name == only_pool) pools.push_back(pool_json(*pool, dispatcher.crew(name), now));
    return out;
}

}  // namespace caisson::control
