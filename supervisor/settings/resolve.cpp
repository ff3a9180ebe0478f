// SPDX-License-Identifier: Apache-2.0
#include "settings/resolve.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include "base/limits.hpp"
#include "base/suggest.hpp"
#include "base/text.hpp"

namespace caisson::settings {
namespace {

namespace fs = std::filesystem;

/// The first candidate at which something stands, else the first of all.
fs::path library_of(const fs::path& plugin, const fs::path& folder, const Look& look) {
    const auto candidates = library_candidates(plugin, folder);
    const auto found = std::ranges::find_if(candidates, [&](const fs::path& file) { return look(file).has_value(); });
    return found == candidates.end() ? candidates.front() : *found;
}

class Resolving {
   public:
    Resolving(Settings settings, const std::vector<Entry>& entries, const Look& look)
        : settings_(std::move(settings)), entries_(entries), look_(look) {}

    [[nodiscard]] Resolved run() {
        for (Pool& pool : settings_.pools) resolve_pool(pool);
        for (const auto& [name, plugin] : settings_.rejected) claim(name, library_of(plugin, folder(), look_));
        if (settings_.service.discover) add_discovered();
        return {std::move(settings_), std::move(problems_)};
    }

   private:
    [[nodiscard]] const fs::path& folder() const { return settings_.service.plugin_dir; }

    void claim(const std::string& pool, const fs::path& library) {
        names_[pool] = library;
        claimed_.insert(library);
    }

    void resolve_pool(Pool& pool) {
        const fs::path plugin = pool.plugin;
        pool.plugin = library_of(plugin, folder(), look_);
        claim(pool.name, pool.plugin);
        if (!pool.enabled) return;  // a pool that is switched off needs no library
        const auto kind = look_(pool.plugin);
        if (!kind)
            report(pool, missing(plugin), hint_for(plugin));
        else if (*kind != EntryKind::file)
            report(pool, cat(in_quotes(pool.plugin.native()), " is ", describe(*kind), ", not a library"), "");
    }

    [[nodiscard]] std::string missing(const fs::path& plugin) const {
        if (plugin.is_absolute()) return cat("there is no library ", in_quotes(plugin.native()));
        std::string names;
        for (const fs::path& file : library_candidates(plugin, folder()))
            names += (names.empty() ? "" : " or ") + file.filename().native();
        return cat("there is no ", names, " in ", in_quotes(folder().native()));
    }

    [[nodiscard]] std::string hint_for(const fs::path& plugin) const {
        std::vector<std::string> names;
        for (const Library& library : discover(folder(), entries_).libraries) names.push_back(library.pool);
        const auto meant = nearest(pool_name_of(plugin.filename().native()), names);
        return meant ? cat("did you mean plugin = \"", *meant, "\"?") : "put it there, or correct plugin";
    }

    void report(const Pool& pool, std::string what, std::string hint) {
        problems_.push_back({settings_.file.native(),
                             {},
                             Scope::pool,
                             pool.name,
                             cat("pool ", pool.name, ": ", what),
                             std::move(hint)});
    }

    void add_discovered() {
        std::vector<Entry> unclaimed;
        std::ranges::copy_if(entries_, std::back_inserter(unclaimed),
                             [&](const Entry& entry) { return !claimed_.contains(folder() / entry.name); });
        Discovered found = discover(folder(), std::move(unclaimed));
        std::ranges::move(found.problems, std::back_inserter(problems_));
        for (const Library& library : found.libraries) add_discovered(library);
    }

    void add_discovered(const Library& library) {
        const auto refuse = [&](std::string what, std::string hint) {
            problems_.push_back({library.path.native(), {}, Scope::library, {}, std::move(what), std::move(hint)});
        };
        if (const auto taken = names_.find(library.pool); taken != names_.end())
            return refuse(cat("gets no pool: [pool.", library.pool, "] runs ", in_quotes(taken->second.native())),
                          "rename the library, or give it a section of its own");
        if (settings_.pools.size() >= limits::pools)
            return refuse(cat("gets no pool: there are ", limits::pools, " already, which is the bound"),
                          "remove libraries that nobody needs");
        settings_.pools.push_back(settings_.discovered(library.pool, library.path));
    }

    Settings settings_;
    const std::vector<Entry>& entries_;
    const Look& look_;
    Problems problems_;
    std::map<std::string, fs::path> names_;
    std::set<fs::path> claimed_;
};

}  // namespace

Resolved resolve(Settings settings, const std::vector<Entry>& entries, const Look& look) {
    return Resolving{std::move(settings), entries, look}.run();
}

}  // namespace caisson::settings
