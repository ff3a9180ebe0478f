// SPDX-License-Identifier: Apache-2.0
/// Outcome documents that no engine made, and what is read from those of engines and services.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "client/client.hpp"
#include "embed/pool/options.hpp"

namespace caisson::embed {

/// "message" of an outcome document.
[[nodiscard]] std::string message_of(std::string_view json);
/// Of a call that was given up before it was handed over.
[[nodiscard]] CallResult cancelled_result(const std::string& pool, const std::string& method);
/// Of a call that could not be handed over.
[[nodiscard]] CallResult refused_result(const std::string& pool, const std::string& method, const std::string& why);
/// Of a call whose result cannot be used.
[[nodiscard]] CallResult failed_result(const std::string& method, const std::string& why);

/// True if the text is a JSON object.
[[nodiscard]] bool is_json_object(std::string_view text);

/// What a service says of a pool: the element of "pools" with this name, as JSON; empty if there is none.
[[nodiscard]] std::string pool_of_status(std::string_view status, std::string_view pool);
[[nodiscard]] std::string text_of(std::string_view json, const char* field);
[[nodiscard]] std::size_t number_of(std::string_view json, const char* field);
[[nodiscard]] std::vector<std::string> names_of_pools(std::string_view status);
[[nodiscard]] std::vector<MethodInfo> methods_of(std::string_view pool);
[[nodiscard]] std::vector<WorkerInfo> workers_of(std::string_view pool);
/// Of {"poison": […]} the entries of one pool.
[[nodiscard]] std::vector<PoisonInfo> poison_of(std::string_view json, std::string_view pool);

}  // namespace caisson::embed
