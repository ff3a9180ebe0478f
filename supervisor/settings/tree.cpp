// SPDX-License-Identifier: Apache-2.0
#include "settings/tree.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::settings {
namespace {

using nlohmann::json;

std::string text_of(double number) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return {digits, end};
}

struct Describe {
    std::string operator()(const std::string& text) const { return "the string " + in_quotes(text); }
    std::string operator()(std::int64_t number) const { return cat("the number ", number); }
    std::string operator()(double number) const { return "the number " + text_of(number); }
    std::string operator()(bool is) const { return is ? "true" : "false"; }
    std::string operator()(const Date& date) const { return "the date " + date.text; }
    std::string operator()(const Array&) const { return "an array"; }
    std::string operator()(const Table&) const { return "a table"; }
};

json to_json(const Node& node, std::vector<NotJson>& faults);

/// Lays `table` over `target`. What is not a table on both sides is replaced whole.
void lay_over(json& target, const Table& table, std::vector<NotJson>& faults) {
    if (!target.is_object()) target = json::object();
    for (const Member& member : table.members) {
        json& value = target[member.key];
        if (const auto* nested = member.value.as<Table>())
            lay_over(value, *nested, faults);
        else
            value = to_json(member.value, faults);
    }
}

json to_json(const Node& node, std::vector<NotJson>& faults) {
    if (const auto* text = node.as<std::string>()) return *text;
    if (const auto* date = node.as<Date>()) return date->text;
    if (const auto* number = node.as<std::int64_t>()) return *number;
    if (const auto* is = node.as<bool>()) return *is;
    if (const auto* number = node.as<double>()) {
        if (!std::isfinite(*number)) faults.push_back({node.place, text_of(*number) + " cannot be said in JSON"});
        return *number;
    }
    json result;
    if (const auto* table = node.as<Table>()) {
        lay_over(result, *table, faults);
    } else {
        result = json::array();
        for (const Node& item : *node.as<Array>()) result.push_back(to_json(item, faults));
    }
    return result;
}

}  // namespace

const Member* Table::find(std::string_view key) const {
    const auto found = std::ranges::find(members, key, &Member::key);
    return found == members.end() ? nullptr : &*found;
}

std::string describe(const Node& node) { return std::visit(Describe{}, node.value); }

std::expected<std::string, NotJson> merge_json(const std::string& base_json, const Table& table) {
    json merged = json::parse(base_json, nullptr, /*allow_exceptions=*/false);
    std::vector<NotJson> faults;
    lay_over(merged, table, faults);
    if (!faults.empty()) return std::unexpected(faults.front());
    // The parser has seen to it that all text is UTF-8; `replace` is there so that nothing can throw.
    return merged.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace caisson::settings
