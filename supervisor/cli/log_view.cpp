// SPDX-License-Identifier: Apache-2.0
#include "cli/log_view.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace caisson::cli {
namespace {

/// How wide most levels and most names of events are.
constexpr std::size_t level_width = 7;
constexpr std::size_t event_width = 18;

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

// What has a place of its own in the line.
bool is_placed(const std::string& key) {
    constexpr std::array<std::string_view, 4> placed{"seq", "time", "level", "message"};
    return std::ranges::find(placed, key) != placed.end();
}

std::string fields_text(const Json& line, bool with_event) {
    std::string out;
    for (const auto& [key, value] : line.items()) {
        const auto* const word = value.get_ptr<const std::string*>();
        if (is_placed(key) || (key == "event" && (!with_event || (word != nullptr && word->empty())))) continue;
        auto shown = value.is_string() ? printable(value.get_ref<const std::string&>()) : printable(value.dump());
        const bool plain = !shown.empty() && shown.find_first_of(" \"=") == std::string::npos;
        out += cat(' ', printable(key), '=', plain ? "" : "\"", shown, plain ? "" : "\"");
    }
    return out;
}

}  // namespace

std::string event_line(const Json& line) {
    return cat(text(line, "time"), ' ', padded(text(line, "event"), event_width), ' ', text(line, "message"),
               fields_text(line, false), '\n');
}

std::string log_line(const Json& line) {
    return cat(text(line, "time"), ' ', padded(text(line, "level"), level_width), ' ', text(line, "message"),
               fields_text(line, true), '\n');
}

}  // namespace caisson::cli
