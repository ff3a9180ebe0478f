// SPDX-License-Identifier: Apache-2.0
#include "embed/pool/failure.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "embed/document.hpp"
#include "embed/pool/work.hpp"

namespace caisson {
namespace {

const nlohmann::json* member(const nlohmann::json& object, std::string_view field) {
    const auto found = object.is_object() ? object.find(field) : object.end();
    return found == object.end() ? nullptr : &*found;
}

std::string text_in(const nlohmann::json& object, std::string_view field) {
    const auto* const found = member(object, field);
    return found != nullptr && found->is_string() ? found->get<std::string>() : std::string{};
}

/// "poke() at plugins/chaos/chaos.cpp:41", or as much of it as is known.
std::string place_text(const nlohmann::json& place) {
    const auto function = text_in(place, "function");
    const auto file = text_in(place, "file");
    auto spot = cat(text_in(place, "module"), "+", text_in(place, "offset"));
    if (function.empty()) return spot;
    const auto* const line = member(place, "line");
    if (file.empty()) return cat(function, " in ", spot);
    return cat(function, " at ", file, line != nullptr ? ":" + line->dump() : std::string{});
}

}  // namespace

std::string Failure::text(std::string_view field, std::string_view inner) const {
    const auto document = nlohmann::json::parse(result_.json, nullptr, false);
    if (inner.empty()) return text_in(document, field);
    const auto* const outer = member(document, field);
    return outer == nullptr ? std::string{} : text_in(*outer, inner);
}

std::int64_t Failure::number(std::string_view field, std::string_view inner) const {
    const auto document = nlohmann::json::parse(result_.json, nullptr, false);
    const auto* const outer = member(document, field);
    const auto* const found = outer == nullptr ? nullptr : member(*outer, inner);
    return found != nullptr && found->is_number() ? found->get<std::int64_t>() : 0;
}

std::vector<std::string> Failure::stack() const {
    std::vector<std::string> places;
    const auto document = nlohmann::json::parse(result_.json, nullptr, false);
    if (const auto* const stack = member(document, "stack"); stack != nullptr && stack->is_array())
        for (const auto& place : *stack) places.push_back(place_text(place));
    return places;
}

std::vector<std::string> Failure::output() const {
    std::vector<std::string> lines;
    const auto document = nlohmann::json::parse(result_.json, nullptr, false);
    if (const auto* const output = member(document, "output"); output != nullptr && output->is_array())
        for (const auto& line : *output)
            if (line.is_string()) lines.push_back(line.get<std::string>());
    return lines;
}

std::string Failure::headline() const {
    const auto item = index_ ? cat("item ", *index_, ": ") : std::string{};
    const auto called = cat(pool(), pool().empty() ? "" : ".", method());
    const auto how = outcome() == Outcome::timed_out ? std::string_view{"timed out"} : word(outcome());
    return cat(item, called.empty() ? "a call" : called, " ", how, message().empty() ? "" : ": ", message());
}

std::string Failure::text() const {
    std::string all = headline();
    for (const auto& place : stack()) all += cat("\n  ", place);
    for (const auto& line : output()) all += cat("\n  printed: ", line);
    if (worker_pid() != 0) all += cat("\n  worker pid ", worker_pid(), ", attempts ", attempts());
    if (!report().empty()) all += cat(", report ", report());
    if (const auto hint = text("hint"); !hint.empty()) all += cat("\n  ", hint);
    return all;
}

Failure detail::unreadable(const std::string& method, const std::string& why, std::optional<std::size_t> index) {
    return Failure{embed::failed_result(method, cat("its result is not what was asked for: ", why)), index};
}

}  // namespace caisson
