// SPDX-License-Identifier: Apache-2.0
#include "cli/document.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace caisson::cli {
namespace {

std::string base64(std::string_view bytes) {
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
        };
        const unsigned group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        out += alphabet[group >> 18];
        out += alphabet[group >> 12 & 63];
        out += i + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
        out += i + 2 < bytes.size() ? alphabet[group & 63] : '=';
    }
    return out;
}

// A line break in JSON text can only stand between its parts: inside a string it is written \n.
std::string on_one_line(std::string_view json) {
    std::string out{json};
    std::ranges::replace(out, '\n', ' ');
    std::ranges::replace(out, '\r', ' ');
    return out;
}

std::string output_member(std::string_view output, bool is_json) {
    if (is_json && Json::accept(output)) return cat("\"output\":", on_one_line(output));
    try {
        return cat("\"output\":", Json(output).dump());
    } catch (const Json::exception&) {  // not UTF-8
        return cat("\"output_base64\":\"", base64(output), '"');
    }
}

}  // namespace

Json parse_document(std::string_view text) {
    auto document = Json::parse(text, nullptr, false);
    return document.is_discarded() ? Json{} : document;
}

const Json& member(const Json& object, const char* name) {
    static const Json none;
    if (!object.is_object()) return none;
    const auto found = object.find(name);
    return found == object.end() ? none : *found;
}

std::string text(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_string() ? printable(value.get_ref<const std::string&>()) : std::string{};
}

std::optional<std::int64_t> number(const Json& object, const char* name) {
    const Json& value = member(object, name);
    if (!value.is_number()) return std::nullopt;
    // Beyond the range of the type the conversion of a floating-point number is undefined.
    if (value.is_number_float()) return static_cast<std::int64_t>(std::clamp(value.get<double>(), -9e18, 9e18));
    return value.get<std::int64_t>();
}

std::optional<double> real(const Json& object, const char* name) {
    const Json& value = member(object, name);
    return value.is_number() ? std::optional{value.get<double>()} : std::nullopt;
}

std::string digits(const Json& object, const char* name) {
    const auto value = number(object, name);
    return value ? std::to_string(*value) : std::string{};
}

std::vector<std::string> texts(const Json& object, const char* name) {
    std::vector<std::string> out;
    const Json& list = member(object, name);
    if (!list.is_array()) return out;
    for (const auto& entry : list)
        if (entry.is_string()) out.push_back(printable(entry.get_ref<const std::string&>()));
    return out;
}

std::string ok_document(std::string_view output, bool is_json, std::uint64_t line) {
    const std::string place = line == 0 ? std::string{} : cat("\"line\":", line, ',');
    return cat('{', place, "\"outcome\":\"ok\",", output_member(output, is_json), '}');
}

}  // namespace caisson::cli
