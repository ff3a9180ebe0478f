// SPDX-License-Identifier: Apache-2.0
#include "apps/check.hpp"

#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/configuration.hpp"
#include "apps/plugin_trial.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "settings/discover.hpp"

namespace caisson::apps {
namespace {

using nlohmann::json;

/// What was found out about one file.
struct Verdict {
    std::vector<std::string> good;
    std::vector<std::string> bad;
};

std::string count_of(std::size_t count, std::string_view noun) { return cat(count, " ", noun, count == 1 ? "" : "s"); }

Verdict check_plugin(const std::filesystem::path& file) {
    Verdict verdict;
    settings::Pool pool;
    pool.name = settings::pool_name_of(file.filename().string());
    pool.plugin = std::filesystem::absolute(file);
    const auto info = try_plugin(pool);
    if (!info) {
        verdict.bad.push_back(cat(file.string(), ": ", info.error().text()));
        return verdict;
    }
    verdict.good.push_back(cat(file.string(), ": plugin ", info->name, " ", info->version, ", ABI ", info->abi, ", ",
                               count_of(info->methods.size(), "method")));
    for (const auto& method : info->methods)
        verdict.good.push_back(cat("  ", method.name, ": ", method.input, " -> ", method.output,
                                   method.help.empty() ? "" : "  ", method.help));
    return verdict;
}

Verdict check_configuration(const std::filesystem::path& file) {
    Verdict verdict;
    const auto configuration = read_configuration({.config = file});
    for (const auto& problem : configuration.problems) verdict.bad.push_back(problem.text());
    if (!verdict.bad.empty()) return verdict;
    verdict.good.push_back(cat(file.string(), ": valid, ", count_of(configuration.settings.pools.size(), "pool")));
    for (const auto& pool : configuration.settings.pools)
        verdict.good.push_back(
            cat("  ", pool.name, ": ", count_of(settings::worker_count(pool), "worker"), ", ", pool.plugin.string()));
    return verdict;
}

}  // namespace

int check_files(const cli::CheckOptions& options) {
    bool all_good = true;
    auto document = json::array();
    for (const auto& file : options.files) {
        const auto verdict = file.extension() == ".toml" ? check_configuration(file) : check_plugin(file);
        all_good &= verdict.bad.empty();
        if (options.json) {
            document.push_back({{"file", file.string()},
                                {"valid", verdict.bad.empty()},
                                {"problems", verdict.bad},
                                {"facts", verdict.good}});
            continue;
        }
        for (const auto& line : verdict.good) std::cout << line << '\n';
        for (const auto& line : verdict.bad) std::cerr << "caisson: " << line << '\n';
    }
    if (options.json)
        std::cout << json{{"files", document}}.dump(2, ' ', false, json::error_handler_t::replace) << '\n';
    std::cout.flush();
    return all_good ? cli::exit_ok : cli::exit_invalid;
}

}  // namespace caisson::apps
