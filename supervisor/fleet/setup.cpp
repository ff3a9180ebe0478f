// SPDX-License-Identifier: Apache-2.0
#include "fleet/setup.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.hpp"

namespace caisson::fleet {

std::vector<std::string> environment_of(const settings::Pool& pool) {
    std::vector<std::string> environment;
    for (const char* const name : {"PATH", "LANG", "TZ"}) {
        const char* const value = std::getenv(name);
        if (value != nullptr && !pool.env.contains(name))
            environment.push_back(cat(std::string_view{name}, "=", std::string_view{value}));
    }
    for (const auto& [name, value] : pool.env) environment.push_back(cat(name, "=", value));
    return environment;
}

std::string setup_document(const settings::Pool& pool, std::uint32_t worker, const LibraryRef& library, bool zygote) {
    nlohmann::json document{
        {"pool", pool.name},
        {"worker", worker},
        {"plugin", (library ? library->path : pool.plugin).string()},
        {"limits",
         {{"memory", pool.limits.memory},
          {"files", pool.limits.files},
          {"processes", pool.limits.processes},
          {"file_size", pool.limits.file_size},
          {"core", pool.limits.core}}},
        {"heartbeat_ms", pool.heartbeat.count()},
        {"isolation", pool.isolation.level == settings::IsolationLevel::none ? "none" : "standard"},
    };
    if (library && library->image) document["image"] = true;
    if (zygote) document["zygote"] = true;
    document["settings"] = nlohmann::json::parse(pool.settings_json, nullptr, false);
    // A path may have bytes that are no UTF-8. The worker then names the file that it cannot find.
    return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace caisson::fleet
