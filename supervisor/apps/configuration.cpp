// SPDX-License-Identifier: Apache-2.0
#include "apps/configuration.hpp"

#include <algorithm>
#include <iterator>

#include "base/system.hpp"
#include "base/text.hpp"
#include "settings/find.hpp"
#include "settings/load.hpp"
#include "settings/resolve.hpp"

namespace caisson::apps {
namespace {

using settings::Problem;
using settings::Scope;

/// What is in plugin_dir; if it cannot be read, what was there when it could be.
std::vector<settings::Entry> entries_of(const settings::Service& service, const Seen& seen,
                                        settings::Problems& problems) {
    auto entries = settings::list_folder(service.plugin_dir);
    if (entries) return std::move(*entries);
    if (service.discover)
        problems.push_back({.file = service.plugin_dir.string(),
                            .scope = Scope::library,
                            .what = entries.error().what,
                            .hint = entries.error().hint});
    return seen.folder == service.plugin_dir ? seen.entries : std::vector<settings::Entry>{};
}

void resolve(Configuration& configuration, const Seen& seen) {
    const auto& service = configuration.written.service;
    configuration.problems = configuration.written_problems;
    auto entries = entries_of(service, seen, configuration.problems);
    configuration.seen = {service.plugin_dir, entries, {}};
    std::erase_if(entries, [&](const auto& entry) { return seen.unfinished.contains(entry.name); });
    auto resolved = settings::resolve(configuration.written, entries, settings::look_at);
    configuration.settings = std::move(resolved.settings);
    std::ranges::move(resolved.problems, std::back_inserter(configuration.problems));
}

}  // namespace

bool Configuration::usable() const { return std::ranges::count(problems, Scope::file, &Problem::scope) == 0; }

bool Configuration::clean() const {
    return std::ranges::all_of(problems, [](const Problem& problem) { return problem.scope == Scope::library; });
}

Configuration read_configuration(const Overrides& overrides, const Seen& seen) {
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
    configuration.written = configuration.settings;
    configuration.written_problems = problems;
    resolve(configuration, seen);
    return configuration;
}

Configuration look_again(const Configuration& before, const Seen& seen) {
    Configuration configuration = before;
    resolve(configuration, seen);
    return configuration;
}

}  // namespace caisson::apps
