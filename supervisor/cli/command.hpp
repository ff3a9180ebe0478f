// SPDX-License-Identifier: Apache-2.0
/// One subcommand: its words, and a function that declares its options and returns what to do once they are parsed.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/cli.hpp"
#include "cli/exit_code.hpp"

namespace caisson::cli {

class OptionSet;

/// What every subcommand gets: the doors, the streams, and the options that stand before or after any subcommand.
struct Context {
    const Doors& doors;
    Streams streams;
    std::string socket;  ///< empty: where the client looks by default
    bool json = false;
};

using Action = std::function<int()>;

struct Command {
    std::string_view name;
    std::string_view summary;  ///< one line, for the list
    std::string_view help;     ///< what stands under the options: behaviour, exit codes, examples
    Action (*declare)(OptionSet& set, const Context& context);
};

/// All subcommands, in the order of `caisson --help`.
[[nodiscard]] std::span<const Command> commands();

// One file each.
[[nodiscard]] Command call_command();
[[nodiscard]] Command map_command();
[[nodiscard]] Command status_command();
[[nodiscard]] Command workers_command();
[[nodiscard]] Command top_command();
[[nodiscard]] Command crashes_command();
[[nodiscard]] Command events_command();
[[nodiscard]] Command logs_command();
[[nodiscard]] Command metrics_command();
[[nodiscard]] Command poison_command();
[[nodiscard]] Command resize_command();
[[nodiscard]] Command restart_command();
[[nodiscard]] Command drain_command();
[[nodiscard]] Command resume_command();
[[nodiscard]] Command reload_command();
[[nodiscard]] Command stop_command();
[[nodiscard]] Command upgrade_command();
[[nodiscard]] Command serve_command();
[[nodiscard]] Command check_command();
[[nodiscard]] Command doctor_command();

/// Writes "caisson: TEXT" to the error stream.
void complain(const Context& context, std::string_view text);
/// Says what is wrong with what was typed and where to read more; returns exit_usage.
[[nodiscard]] int usage_error(const Context& context, std::string_view command, std::string_view text);

/// The checks that call and map share: each an error text for people.
[[nodiscard]] std::optional<std::string> check_target(std::string_view target);
[[nodiscard]] std::optional<std::string> check_params(std::string_view params);
/// The value of --timeout: nothing when it was not given.
[[nodiscard]] std::expected<std::optional<std::chrono::milliseconds>, std::string> parse_timeout(
    const std::optional<std::string>& text);
/// The time between two looks, "2", "0.5" (seconds) or "500ms": one second when it was not given.
[[nodiscard]] std::expected<std::chrono::milliseconds, std::string> parse_interval(
    std::string_view option, const std::optional<std::string>& text);
/// A whole number from `min` to `max`: nothing when it was not given.
[[nodiscard]] std::expected<std::optional<std::int64_t>, std::string> parse_number(
    std::string_view option, const std::optional<std::string>& text, std::int64_t min, std::int64_t max);

}  // namespace caisson::cli
