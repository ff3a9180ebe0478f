// SPDX-License-Identifier: Apache-2.0
#include "dispatch/document.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::dispatch {
namespace {

using nlohmann::json;

json refused(std::string_view pool, std::string_view method, std::string message, std::string hint = {}) {
    json document{{"outcome", "refused"},
                  {"pool", printable(pool)},
                  {"method", printable(method)},
                  {"message", std::move(message)}};
    if (!hint.empty()) document["hint"] = std::move(hint);
    return document;
}

}  // namespace

json call_document(const Call& call, const fleet::Crew& crew, OutcomeKind kind) {
    json document{{"outcome", wire::word(kind)},
                  {"pool", crew.name()},
                  {"method", call.method},
                  {"call", call.number},
                  {"attempts", call.attempt},
                  {"max_attempts", 1},
                  {"pool_ready", crew.ready_workers()},
                  {"pool_workers", crew.target()}};
    if (call.worker != nullptr) document["worker"] = {{"id", call.worker->id()}, {"pid", call.worker->pid()}};
    return document;
}

json unknown_pool(std::string_view pool, std::string_view method, const std::vector<std::string>& pools) {
    auto document = refused(pool, method, cat("there is no pool ", printable(pool)));
    document["pools"] = pools;
    return document;
}

json unknown_method(std::string_view pool, std::string_view method, const fleet::PluginInfo& info) {
    auto document = refused(pool, method, cat("pool ", pool, " has no method ", printable(method)));
    auto& methods = document["methods"] = json::array();
    for (const auto& known : info.methods) methods.push_back(known.name);
    return document;
}

json over_bound(std::string_view pool, std::string_view method, std::string_view bound, std::string message,
                std::string hint) {
    auto document = refused(pool, method, std::move(message), std::move(hint));
    document["bound"] = bound;
    return document;
}

json not_serving(std::string_view method, const fleet::Crew& crew) {
    const bool quarantined = crew.state() == fleet::CrewState::quarantined;
    auto document = refused(crew.name(), method,
                            quarantined ? cat("pool ", crew.name(), " is quarantined: its workers keep ending")
                                        : cat("pool ", crew.name(), " is ", word(crew.state())));
    if (!crew.reason().empty()) document["reason"] = crew.reason();
    if (quarantined)
        document["hint"] = cat("see `caisson crashes`; it tries again by itself after restart.cooldown (",
                               crew.settings().restart.cooldown.count() / 1000, " s)");
    return document;
}

json service_stopping(std::string_view pool, std::string_view method) {
    return refused(pool, method, "the service is stopping");
}

}  // namespace caisson::dispatch
