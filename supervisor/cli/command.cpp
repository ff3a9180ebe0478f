// SPDX-License-Identifier: Apache-2.0
#include "cli/command.hpp"

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "base/units.hpp"
#include "cli/output.hpp"

namespace caisson::cli {
namespace {

// Bytes of a wrong value that an error shows.
constexpr std::size_t shown_value_bytes = 80;

// Between two looks at a service: more often than an eye can follow only costs; after an hour it is no watching.
constexpr std::chrono::milliseconds shortest_interval{100};
constexpr std::chrono::milliseconds longest_interval = std::chrono::hours{1};

// "2" or "0.5": seconds, as of other commands that watch.
std::optional<std::chrono::milliseconds> parse_seconds(std::string_view text) {
    double number = 0;
    const auto* const end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number, std::chars_format::fixed);
    if (read.ec != std::errc{} || read.ptr != end || !(number >= 0) || number > 1e6) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(number * 1000)};
}

}  // namespace

std::span<const Command> commands() {
    static const std::array all{call_command(),    map_command(),     status_command(), workers_command(),
                                top_command(),     crashes_command(), events_command(), logs_command(),
                                metrics_command(), poison_command(),  resize_command(), restart_command(),
                                drain_command(),   resume_command(),  reload_command(), upgrade_command(),
                                stop_command(),    serve_command(),   check_command(),  doctor_command()};
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
    return cat("--params wants a JSON object, as {\"n\": 7} is, and got ", printable(cut(params, shown_value_bytes)));
}

std::expected<std::optional<std::chrono::milliseconds>, std::string> parse_timeout(
    const std::optional<std::string>& text) {
    if (!text) return std::nullopt;
    const auto parsed = parse_duration(*text);
    if (!parsed) return std::unexpected("--timeout: " + parsed.error().text());
    return *parsed;
}

std::expected<std::chrono::milliseconds, std::string> parse_interval(std::string_view option,
                                                                     const std::optional<std::string>& text) {
    if (!text) return std::chrono::seconds{1};
    auto interval = parse_seconds(*text);
    if (!interval)
        if (const auto parsed = parse_duration(*text)) interval = *parsed;
    if (interval && *interval >= shortest_interval && *interval <= longest_interval) return *interval;
    return std::unexpected(cat(option, " wants a time from 0.1 seconds to an hour, as 2, 0.5 or 500ms are, and got ",
                               text->empty() ? "nothing" : printable(cut(*text, shown_value_bytes))));
}

std::expected<std::optional<std::int64_t>, std::string> parse_number(std::string_view option,
                                                                     const std::optional<std::string>& text,
                                                                     std::int64_t min, std::int64_t max) {
    if (!text) return std::nullopt;
    std::int64_t number = 0;
    const auto* const end = text->data() + text->size();
    const auto read = std::from_chars(text->data(), end, number);
    if (read.ec == std::errc{} && read.ptr == end && number >= min && number <= max) return number;
    return std::unexpected(cat(option, " wants a whole number from ", min, " to ", max, ", and got ",
                               text->empty() ? "nothing" : printable(cut(*text, shown_value_bytes))));
}

}  // namespace caisson::cli
