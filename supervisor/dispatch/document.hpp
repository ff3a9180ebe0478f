// SPDX-License-Identifier: Apache-2.0
/// The outcome document: how a call that did not end well is told, in JSON. docs/wire.md lists the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "dispatch/call.hpp"
#include "dispatch/crash_report.hpp"
#include "dispatch/poison.hpp"
#include "fleet/hands.hpp"

namespace caisson::dispatch {

/// As text for the wire; bytes that are not UTF-8 are replaced.
[[nodiscard]] std::string to_text(const nlohmann::json& document);

/// What every document of a call begins with: outcome, pool, method, call, attempts, the pool's workers.
[[nodiscard]] nlohmann::json call_document(const Call& call, const fleet::Hands& hands, OutcomeKind kind,
                                           std::uint32_t max_attempts);

[[nodiscard]] nlohmann::json unknown_pool(std::string_view pool, std::string_view method,
                                          const std::vector<std::string>& pools);
[[nodiscard]] nlohmann::json unknown_method(std::string_view pool, std::string_view method,
                                            const fleet::PluginInfo& info);
[[nodiscard]] nlohmann::json over_bound(std::string_view pool, std::string_view method, std::string_view bound,
                                        std::string message, std::string hint);
[[nodiscard]] nlohmann::json not_serving(std::string_view method, const fleet::Hands& hands);
[[nodiscard]] nlohmann::json no_descriptor(std::string_view pool, std::string_view method);
[[nodiscard]] nlohmann::json poisonous(const PoisonTable::Entry& entry);
[[nodiscard]] nlohmann::json service_stopping(std::string_view pool, std::string_view method);

}  // namespace caisson::dispatch
