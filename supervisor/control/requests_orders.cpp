// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "control/requests.hpp"

// What an operator orders of a pool: restart, drain, resume.
namespace caisson::control {

using nlohmann::json;

void Requests::restart(const json& request, Done done) {
    const auto pool = pool_in(request);
    if (!pool) return done(std::unexpected(pool.error()));
    std::optional<std::uint32_t> id;
    if (const auto worker = request.find("worker"); worker != request.end()) {
        if (!worker->is_number_unsigned() || worker->get<std::uint64_t>() > UINT32_MAX)
            return done(fail("worker must be the number of a worker", "see `caisson workers`"));
        id = worker->get<std::uint32_t>();
    }
    const auto now = request.find("now");
    const bool at_once = now != request.end() && now->is_boolean() && now->get<bool>();
    const auto& name = (*pool)->hands->name();
    const auto workers = dispatcher_.crew(name).restart(id, at_once);
    if (!workers) return done(std::unexpected(workers.error()));
    done(json{{"pool", name}, {"workers", *workers}, {"now", at_once}});
}

void Requests::drain(const json& request, Done done) {
    const auto pool = pool_in(request);
    if (!pool) return done(std::unexpected(pool.error()));
    auto& crew = dispatcher_.crew((*pool)->hands->name());
    if (crew.drained())
        return done(fail(cat("pool ", crew.name(), " is ", word(crew.state()), " already"),
                         cat("`caisson resume ", crew.name(), "` lets it take calls again")));
    const auto waiting = (*pool)->queue.size() + (*pool)->running + (*pool)->resting;
    log_.event("pool_drained", LogLevel::info, "an operator drains the pool",
               {{"pool", crew.name()}, {"calls", waiting}});
    crew.drain();
    done(json{{"pool", crew.name()}, {"calls", waiting}});
}

void Requests::resume(const json& request, Done done) {
    const auto pool = pool_in(request);
    if (!pool) return done(std::unexpected(pool.error()));
    auto& crew = dispatcher_.crew((*pool)->hands->name());
    if (!crew.drained())
        return done(fail(cat("pool ", crew.name(), " is ", word(crew.state()), ", and nobody has drained it"), ""));
    log_.event("pool_resumed", LogLevel::info, "an operator resumes the pool", {{"pool", crew.name()}});
    crew.resume();
    done(json{{"pool", crew.name()}, {"workers", crew.target()}});
}

}  // namespace caisson::control
