// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <array>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/units.hpp"
#include "cli/output.hpp"

namespace caisson::cli {

std::span<const Command> commands() {
    static const std::array all{call_command(),    map_command(),    status_command(), workers_command(),
                                crashes_command(), resize_command(), reload_command(), stop_command(),
                                serve_command(),   check_command(),  doctor_command()};
    return all;
}

void complain(const Context& context, std::string_view text) { say(context.streams.err, cat("caisson: ", text, '\n')); }

int usage_error(const Context& context, std::string_view command, std::string_view text) {
    complain(context, cat(text, "\n  read `caisson", command.empty() ? "" : " ", command, " --help`"));
    return exit_usage;
}

std::optional<std::string> check_target(std::string_view target) {
    const auto dot = target.find('.');
    if (dot != std::string_view::npos && dot != 0 && dot + 1 != target.size()) return std::nullopt;
    return cat("\"", printable(target), "\" is not POOL.METHOD, as math.square is; `caisson status` lists the pools");
}

std::optional<std::string> check_params(std::string_view params) {
    if (params.empty()) return std::nullopt;
    const auto document = nlohmann::json::parse(params, nullptr, false);
    if (document.is_object()) return std::nullopt;
    return cat("--params wants a JSON object, as {\"n\": 7} is, and got ", printable(cut(params, 80)));
}

std::expected<std::optional<std::chrono::milliseconds>, std::string> parse_timeout(std::string_view text) {
    if (text.empty()) return std::nullopt;
    const auto parsed = parse_duration(text);
    if (!parsed) return std::unexpected("--timeout: " + parsed.error().text());
    return *parsed;
}

}  // namespace caisson::cli
