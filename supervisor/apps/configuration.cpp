// SPDX-License-Identifier: Apache-2.0
#include "apps/configuration.hpp"

#include <algorithm>
#include <iterator>

#include "base/system.hpp"
#include "base/text.hpp"
#include "settings/discover.hpp"
#include "settings/find.hpp"
#include "settings/load.hpp"
#include "settings/resolve.hpp"

namespace caisson::apps {

using settings::Problem;
using settings::Scope;

bool Configuration::usable() const { return std::ranges::count(problems, Scope::file, &Problem::scope) == 0; }

bool Configuration::clean() const {
    return std::ranges::all_of(problems, [](const Problem& problem) { return problem.scope == Scope::library; });
}

Configuration read_configuration(const Overrides& overrides) {
    const auto environment = settings::this_process();
    const auto found = settings::find_file(environment, overrides.config);
    Configuration configuration;
    configuration.how = found.file.empty() ? "built-in defaults" : cat(found.file.string(), " (", found.how, ")");
    auto& problems = configuration.problems;
    if (!found.file.empty()) {
        auto loaded = settings::load_file(found.file);
        configuration.settings = std::move(loaded.settings);
        problems = std::move(loaded.problems);
    }
    auto& service = configuration.settings.service;
    if (!overrides.socket.empty()) service.socket = std::filesystem::absolute(overrides.socket);
    if (!overrides.plugin_dir.empty()) service.plugin_dir = std::filesystem::absolute(overrides.plugin_dir);
    auto complete = settings::with_default_paths(service, environment, sys::program_dir());
    if (!complete) {
        problems.push_back({.file = found.file.string(), .what = complete.error().what, .hint = complete.error().hint});
        return configuration;
    }
    service = std::move(*complete);

    auto entries = settings::list_folder(service.plugin_dir);
    if (!entries && service.discover)
        problems.push_back({.file = service.plugin_dir.string(),
                            .scope = Scope::library,
                            .what = entries.error().what,
                            .hint = entries.error().hint});
    auto resolved = settings::resolve(std::move(configuration.settings),
                                      entries ? *entries : std::vector<settings::Entry>{}, settings::look_at);
    configuration.settings = std::move(resolved.settings);
    std::ranges::move(resolved.problems, std::back_inserter(problems));
    return configuration;
}

}  // namespace caisson::apps
