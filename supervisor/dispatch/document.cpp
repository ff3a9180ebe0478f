// SPDX-License-Identifier: Apache-2.0
#include "dispatch/document.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::dispatch {
namespace {

using nlohmann::json;

// `refusal` is the reason as a word for programs; metrics are counted by it.
json refused(std::string_view refusal, std::string_view pool, std::string_view method, std::string message,
             std::string hint = {}) {
    json document{{"outcome", "refused"},
                  {"refusal", refusal},
                  {"pool", printable(pool)},
                  {"method", printable(method)},
                  {"message", std::move(message)}};
    if (!hint.empty()) document["hint"] = std::move(hint);
    return document;
}

}  // namespace

std::string to_text(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

json call_document(const Call& call, const fleet::Hands& hands, OutcomeKind kind, std::uint32_t max_attempts) {
    json document{{"outcome", wire::word(kind)},
                  {"pool", hands.name()},
                  {"method", call.method()},
                  {"call", call.number},
                  {"attempts", call.attempt},
                  {"max_attempts", max_attempts},
                  {"pool_ready", hands.ready_workers()},
                  {"pool_workers", hands.target()}};
    if (const auto* const hand = call.hand()) document["worker"] = {{"id", hand->id()}, {"pid", hand->pid()}};
    if (call.items > 1) document["items"] = call.items;
    return document;
}

json unknown_pool(std::string_view pool, std::string_view method, const std::vector<std::string>& pools) {
    auto document = refused("unknown_pool", pool, method, cat("there is no pool ", printable(pool)));
    document["pools"] = pools;
    return document;
}

json unknown_method(std::string_view pool, std::string_view method, const fleet::PluginInfo& info) {
    auto document = refused("unknown_method", pool, method, cat("pool ", pool, " has no method ", printable(method)));
    auto& methods = document["methods"] = json::array();
    for (const auto& known : info.methods) methods.push_back(known.name);
    return document;
}

json over_bound(std::string_view pool, std::string_view method, std::string_view bound, std::string message,
                std::string hint) {
    auto document =
        refused(bound.starts_with("queue.") ? "queue_full" : bound, pool, method, std::move(message), std::move(hint));
    document["bound"] = bound;
    return document;
}

json not_serving(std::string_view method, const fleet::Hands& hands) {
    const bool quarantined = hands.state() == fleet::CrewState::quarantined;
    auto document = refused(quarantined ? "quarantined" : "not_serving", hands.name(), method,
                            quarantined ? cat("pool ", hands.name(), " is quarantined: its workers keep ending")
                                        : cat("pool ", hands.name(), " is ", word(hands.state())));
    if (!hands.reason().empty()) document["reason"] = hands.reason();
    if (hands.state() == fleet::CrewState::drained || hands.state() == fleet::CrewState::draining)
        document["hint"] = cat("`caisson resume ", hands.name(), "` lets it take calls again");
    if (quarantined)
        document["hint"] = cat("see `caisson crashes`; it tries again by itself after restart.cooldown (",
                               hands.settings().restart.cooldown.count() / 1000, " s)");
    return document;
}

json no_descriptor(std::string_view pool, std::string_view method) {
    return refused("no_descriptor", pool, method, "no descriptor is left to hand over a large payload",
                   "raise the limit of open files (ulimit -n) of the service, or send fewer at a time");
}

json poisonous(const PoisonTable::Entry& entry) {
    auto document = refused(
        "poison", entry.pool, entry.method,
        cat("this input killed ", entry.killed, " workers and is refused as poison"),
        cat("see `caisson crashes ", entry.report, "`; once it is mended, `caisson poison --clear ", entry.id, '`'));
    document["bound"] = "poison.crashes";
    document["poison"] = entry.id;
    document["report"] = entry.report;
    return document;
}

json service_stopping(std::string_view pool, std::string_view method) {
    return refused("stopping", pool, method, "the service is stopping");
}

}  // namespace caisson::dispatch
