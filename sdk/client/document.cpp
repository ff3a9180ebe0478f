// SPDX-License-Identifier: Apache-2.0
#include "client/document.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>

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

Done lost_call(std::uint64_t call, const std::string& why) {
    const std::string message = why + "; whether the call was done is not known";
    return {call,
            {.outcome = Outcome::crashed,
             .output = {},
             .message = message,
             .json = failure_json("crashed", call, message, {{"exit", {{"kind", "service_lost"}, {"why", why}}}})}};
}

CallResult overflowed(std::uint64_t call) {
    const std::string message = "the output is over the bound of what is collected (max_output_bytes, " +
                                std::to_string(max_output_bytes) + " bytes); take it piece by piece";
    return {.outcome = Outcome::failed,
            .output = {},
            .message = message,
            .json = failure_json("failed", call, message, {{"bound", "max_output_bytes"}})};
}

std::string hello_text() {
    return nlohmann::json{{"name", "caisson::Client"}, {"version", CAISSON_VERSION}, {"pid", ::getpid()}}.dump();
}

}  // namespace caisson::client
