// SPDX-License-Identifier: Apache-2.0
#include "control/status.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/version.hpp"

namespace caisson::control {
namespace {

using nlohmann::json;

/// Until an answer is older than this, the memory of a worker is not measured again for the next.
constexpr auto memory_age = std::chrono::milliseconds{500};

json worker_json(const fleet::Crew& crew, const fleet::Crew::Slot& slot, TimePoint now) {
    if (!slot.worker)
        return {{"id", slot.id}, {"pid", 0}, {"state", fleet::Crew::word_of(slot)}, {"calls", 0}, {"uptime_s", 0.0}};
    auto& worker = *slot.worker;
    worker.measure_within(memory_age);
    json out{{"id", worker.id()},
             {"pid", worker.pid()},
             {"state", fleet::Crew::word_of(slot)},
             {"calls", worker.calls()},
             {"uptime_s", seconds(now - worker.since())}};
    if (worker.memory_bytes() > 0) out["memory_bytes"] = worker.memory_bytes();
    if (const auto why = crew.why_renew(slot); !why.empty()) out["renewing"] = why;
    if (const auto method = worker.running_method(); !method.empty()) out["method"] = method;
    if (const auto since = worker.running_since()) out["running_s"] = seconds(now - *since);
    return out;
}

json breaker_json(const fleet::RestartPolicy& policy, TimePoint now) {
    switch (policy.breaker()) {
        case fleet::BreakerState::open:
            return {{"state", "open"}, {"probe_in_s", std::max(0.0, seconds(policy.probe_due() - now))}};
        case fleet::BreakerState::half_open:
            return {{"state", "half_open"}};
        case fleet::BreakerState::closed:
            break;
    }
    return {{"state", "closed"}};
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

json latency_json(const dispatch::Latencies& latencies) {
    const auto part = [](const dispatch::Histogram& times) {
        return json{{"p50_s", seconds(times.quantile(0.5))}, {"p99_s", seconds(times.quantile(0.99))}};
    };
    return {{"calls", latencies.total.count()},
            {"waiting", part(latencies.waiting)},
            {"running", part(latencies.running)},
            {"total", part(latencies.total)}};
}

// How busy it is, and what went wrong.
void add_measures(json& out, const dispatch::Pool& pool, const fleet::Crew& crew) {
    const auto& measures = pool.measures;
    out["rates"] = {
        {"1s", measures.rate().over(1)}, {"10s", measures.rate().over(10)}, {"60s", measures.rate().over(60)}};
    out["latency"] = {{"minute", latency_json(measures.last_minute())},
                      {"start", latency_json(measures.since_start())}};
    out["queued_bytes"] = pool.queue.bytes();
    out["refused"] = measures.refused;
    out["crashes"] = measures.crashes;
    out["timed_out"] = {{"waiting", measures.timed_out_waiting}, {"running", measures.timed_out_running}};
    for (const auto cause : {fleet::EndCause::failed_start, fleet::EndCause::outside_call, fleet::EndCause::in_call,
                             fleet::EndCause::intended})
        out["restarts_by"][std::string{word(cause)}] = crew.restarts(cause);
    if (const auto& last = measures.last_crash; !last.report.empty())
        out["last_crash"] = {{"report", last.report}, {"time", last.time}, {"message", last.message}};
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
             {"since_s", seconds(now - crew.state_since())},
             {"breaker", breaker_json(crew.policy(), now)},
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
    add_measures(out, pool, crew);
    auto& workers = out["workers"] = json::array();
    std::uint64_t memory_bytes = 0;
    for (const auto& slot : crew.slots()) {
        workers.push_back(worker_json(crew, *slot, now));
        if (slot->worker) memory_bytes += slot->worker->memory_bytes();
    }
    out["memory_bytes"] = memory_bytes;
    if (const auto& elastic = crew.settings().elastic)
        out["size"] = {{"min", elastic->min}, {"max", settings::most_workers(crew.settings())}};
    return out;
}

}  // namespace

json status(const dispatch::Dispatcher& dispatcher, const ServiceFacts& facts, std::string_view only_pool) {
    const auto now = Clock::now();
    json out{
        {"supervisor",
         {{"pid", ::getpid()},
          {"version", version_text},
          {"uptime_s", seconds(now - facts.started)},
          {"socket", facts.socket.string()},
          {"config", facts.config.string()},
          {"state", dispatcher.stopping() ? "stopping" : "serving"},
          {"http", {{"address", facts.http.address}, {"problem", facts.http.problem}, {"operate", facts.http.operate}}},
          {"generation", facts.generation},
          {"problems", facts.problems}}}};
    if (const auto& before = facts.upgraded_from; before.pid != 0)
        out["supervisor"]["upgraded_from"] = {{"pid", before.pid}, {"version", before.version}};
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
