// SPDX-License-Identifier: Apache-2.0
#include "embed/document.hpp"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::embed {
namespace {

using nlohmann::json;

json parse(std::string_view text) { return json::parse(text, nullptr, false); }

std::string text_in(const json& object, std::string_view field) {
    const auto found = object.is_object() ? object.find(field) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

template <class Number>
Number number_in(const json& object, std::string_view field) {
    const auto found = object.is_object() ? object.find(field) : object.end();
    return found != object.end() && found->is_number() ? found->get<Number>() : Number{};
}

/// The elements of an array in an object; none if it is not there.
json list_in(const json& object, std::string_view field) {
    const auto found = object.is_object() ? object.find(field) : object.end();
    return found != object.end() && found->is_array() ? *found : json::array();
}

CallResult result_of(Outcome outcome, json document, const std::string& message) {
    document["outcome"] = word(outcome);
    document["message"] = message;
    CallResult result;
    result.outcome = outcome;
    result.message = message;
    result.json = document.dump(-1, ' ', false, json::error_handler_t::replace);
    return result;
}

}  // namespace

std::string message_of(std::string_view text) { return text_in(parse(text), "message"); }

CallResult cancelled_result(const std::string& pool, const std::string& method) {
    return result_of(Outcome::cancelled, {{"pool", pool}, {"method", method}, {"phase", "waiting"}},
                     "cancelled by its caller while it waited for a worker");
}

CallResult refused_result(const std::string& pool, const std::string& method, const std::string& why) {
    return result_of(Outcome::refused, {{"pool", pool}, {"method", method}}, why);
}

CallResult failed_result(const std::string& method, const std::string& why) {
    return result_of(Outcome::failed, {{"method", method}}, why);
}

bool is_json_object(std::string_view text) { return parse(text).is_object(); }

std::string pool_of_status(std::string_view status, std::string_view pool) {
    for (const auto& entry : list_in(parse(status), "pools"))
        if (text_in(entry, "name") == pool) return entry.dump();
    return {};
}

std::string text_of(std::string_view text, const char* field) { return text_in(parse(text), field); }

std::size_t number_of(std::string_view text, const char* field) { return number_in<std::size_t>(parse(text), field); }

std::vector<std::string> names_of_pools(std::string_view status) {
    std::vector<std::string> names;
    for (const auto& entry : list_in(parse(status), "pools")) names.push_back(text_in(entry, "name"));
    return names;
}

std::vector<MethodInfo> methods_of(std::string_view pool) {
    std::vector<MethodInfo> methods;
    for (const auto& entry : list_in(parse(pool), "methods"))
        methods.push_back({.name = text_in(entry, "name"),
                           .help = text_in(entry, "help"),
                           .input = text_in(entry, "input"),
                           .output = text_in(entry, "output"),
                           .idempotent = entry.is_object() && entry.value("idempotent", json(false)) == true});
    return methods;
}

std::vector<WorkerInfo> workers_of(std::string_view pool) {
    std::vector<WorkerInfo> workers;
    for (const auto& entry : list_in(parse(pool), "workers"))
        workers.push_back({.id = number_in<std::uint32_t>(entry, "id"),
                           .pid = number_in<std::int64_t>(entry, "pid"),
                           .state = text_in(entry, "state"),
                           .calls = number_in<std::uint64_t>(entry, "calls")});
    return workers;
}

std::vector<PoisonInfo> poison_of(std::string_view text, std::string_view pool) {
    std::vector<PoisonInfo> entries;
    for (const auto& entry : list_in(parse(text), "poison")) {
        if (text_in(entry, "pool") != pool) continue;
        entries.push_back({.id = text_in(entry, "id"),
                           .pool = text_in(entry, "pool"),
                           .method = text_in(entry, "method"),
                           .crashes = number_in<std::uint32_t>(entry, "crashes"),
                           .since = text_in(entry, "since"),
                           .report = text_in(entry, "report")});
    }
    return entries;
}

}  // namespace caisson::embed
