// SPDX-License-Identifier: Apache-2.0
/// The outcome document: how a call that did not end well is told, in JSON. docs/wire.md lists the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "dispatch/call.hpp"
#include "dispatch/crash_report.hpp"
#include "fleet/crew.hpp"

namespace caisson::dispatch {

/// What every document of a call begins with: outcome, pool, method, call, attempts, the pool's workers.
[[nodiscard]] nlohmann::json call_document(const Call& call, const fleet::Crew& crew, OutcomeKind kind);

[[nodiscard]] nlohmann::json unknown_pool(std::string_view pool, std::string_view method,
                                          const std::vector<std::string>& pools);
[[nodiscard]] nlohmann::json unknown_method(std::string_view pool, std::string_view method,
                                            const fleet::PluginInfo& info);
[[nodiscard]] nlohmann::json over_bound(std::string_view pool, std::string_view method, std::string_view bound,
                                        std::string message, std::string hint);
[[nodiscard]] nlohmann::json not_serving(std::string_view method, const fleet::Crew& crew);
[[nodiscard]] nlohmann::json service_stopping(std::string_view pool, std::string_view method);

}  // namespace caisson::dispatch
