// SPDX-License-Identifier: Apache-2.0
#include "host/setup.hpp"

#include <nlohmann/json.hpp>

namespace caisson::host {
namespace {

using Json = nlohmann::json;

std::uint64_t number_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

Limits limits_of(const Json& document) {
    const auto found = document.find("limits");
    if (found == document.end() || !found->is_object()) return {};
    return {.memory_bytes = number_of(*found, "memory"),
            .files = number_of(*found, "files"),
            .processes = number_of(*found, "processes"),
            .file_size_bytes = number_of(*found, "file_size"),
            .core_bytes = number_of(*found, "core")};
}

}  // namespace

Result<Setup> parse_setup(std::string_view json) {
    const Json document = Json::parse(json, nullptr, false);
    if (!document.is_object()) return fail("the setup frame's head is no JSON object");
    const auto plugin = document.find("plugin");
    if (plugin == document.end() || !plugin->is_string()) return fail("the setup frame names no plugin");

    Setup setup;
    setup.plugin = plugin->get<std::string>();
    if (!setup.plugin.starts_with('/')) return fail("the setup frame's plugin is no absolute path: " + setup.plugin);
    if (const auto settings = document.find("settings"); settings != document.end() && settings->is_object()) {
        setup.settings = settings->dump(-1, ' ', false, Json::error_handler_t::replace);
    }
    if (const auto image = document.find("image"); image != document.end()) setup.image = *image == true;
    setup.limits = limits_of(document);
    setup.heartbeat_ms = number_of(document, "heartbeat_ms");
    if (const auto level = document.find("isolation"); level != document.end() && *level != "standard") {
        if (*level != "none") return fail("the setup frame asks for an isolation that this worker does not know");
        setup.isolation = Isolation::none;
    }
    if (const auto zygote = document.find("zygote"); zygote != document.end()) setup.zygote = *zygote == true;
    return setup;
}

}  // namespace caisson::host
