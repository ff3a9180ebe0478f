// SPDX-License-Identifier: Apache-2.0
#include "client/document.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <system_error>

namespace caisson::client {
namespace {

std::string failure_json(std::string_view outcome, std::uint64_t call, std::string_view message, nlohmann::json more) {
    nlohmann::json document{{"outcome", outcome}, {"call", call}, {"message", message}};
    document.update(more);
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

std::string text_field(std::string_view json, const char* name) {
    const auto document = nlohmann::json::parse(json, nullptr, false);
    if (!document.is_object()) return {};
    const auto field = document.find(name);
    return field != document.end() && field->is_string() ? field->get<std::string>() : std::string{};
}

std::string goodbye_text(std::string_view json) {
    const auto message = text_field(json, "message");
    const auto hint = text_field(json, "hint");
    return (message.empty() ? "it does not say why" : message) + (hint.empty() ? "" : "; " + hint);
}

Done lost_call(std::uint64_t call, wire::ItemRange items, const std::string& why) {
    const std::string message = why + "; whether the call was done is not known";
    Done done{.call = call, .result = {}, .first = items.first, .count = items.count};
    done.result.outcome = Outcome::crashed;
    done.result.message = message;
    done.result.json = failure_json("crashed", call, message, {{"exit", {{"kind", "service_lost"}, {"why", why}}}});
    return done;
}

CallResult unmapped(std::uint64_t call, std::uint64_t output_bytes, int error) {
    const std::string message = "the method was done, but its output of " + std::to_string(output_bytes) +
                                " bytes cannot be mapped: " + std::generic_category().message(error);
    CallResult result;
    result.outcome = Outcome::failed;
    result.message = message;
    result.json = failure_json("failed", call, message, nlohmann::json::object());
    return result;
}

std::string hello_text() {
    return nlohmann::json{{"name", "caisson::Client"}, {"version", CAISSON_VERSION}, {"pid", ::getpid()}}.dump();
}

}  // namespace caisson::client
