// SPDX-License-Identifier: Apache-2.0
#include "fleet/plugin_info.hpp"

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "wire/frame.hpp"

namespace caisson::fleet {
namespace {

/// Bytes of one text in the description.
constexpr std::size_t max_text_bytes = 4096;

std::string text_of(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string()) return {};
    return printable(cut(found->get_ref<const std::string&>(), max_text_bytes));
}

}  // namespace

const std::uint32_t* PluginInfo::find(std::string_view method) const {
    const auto found = index_.find(method);
    return found == index_.end() ? nullptr : &found->second;
}

Result<PluginInfo> PluginInfo::parse(std::string_view json) {
    const auto document = nlohmann::json::parse(json, nullptr, false);
    if (!document.is_object()) return fail("its description is not a JSON object");
    PluginInfo info;
    info.name = text_of(document, "name");
    info.version = text_of(document, "version");
    info.abi = text_of(document, "abi");
    const auto methods = document.find("methods");
    if (methods == document.end() || !methods->is_array() || methods->size() > wire::max_methods)
        return fail("its description has no list of at most 1024 methods");
    for (const auto& item : *methods) {
        if (!item.is_object()) return fail("its description has a method that is no object");
        const auto idempotent = item.find("idempotent");
        Method method{.name = text_of(item, "name"),
                      .help = text_of(item, "help"),
                      .input = text_of(item, "input"),
                      .output = text_of(item, "output"),
                      .idempotent = idempotent != item.end() && idempotent->is_boolean() && idempotent->get<bool>()};
        info.index_.emplace(method.name, static_cast<std::uint32_t>(info.methods.size()));
        info.methods.push_back(std::move(method));
    }
    return info;
}

}  // namespace caisson::fleet
