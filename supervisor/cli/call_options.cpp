// SPDX-License-Identifier: Apache-2.0
#include "cli/call_options.hpp"

#include "cli/command.hpp"
#include "cli/option_set.hpp"
#include "wire/frame.hpp"

namespace caisson::cli {

void declare_target(OptionSet& set, CallOptions& options) {
    set.argument("POOL.METHOD", options.target, "the method", OptionSet::Need::required);
}

void declare_options(OptionSet& set, CallOptions& options) {
    set.option("--params", options.params, "JSON", "a JSON object that says how to do it");
    set.option("--timeout", options.timeout, "TIME", "give a call up after this time (500ms, 2s, 5min; 0: never)");
    set.option("--retries", options.retries, "N", "try a call again up to so often, whatever its pool says (0 to 100)");
    set.option("--priority", options.priority, "N", "before (up to 10) or after (down to -10) other calls of the pool");
}

std::expected<CallRequest, std::string> request_of(const CallOptions& options) {
    if (const auto wrong = check_target(options.target)) return std::unexpected(*wrong);
    if (const auto wrong = check_params(options.params)) return std::unexpected(*wrong);
    const auto timeout = parse_timeout(options.timeout);
    if (!timeout) return std::unexpected(timeout.error());
    const auto retries = parse_number("--retries", options.retries, 0, wire::max_retries);
    if (!retries) return std::unexpected(retries.error());
    const auto priority = parse_number("--priority", options.priority, wire::min_priority, wire::max_priority);
    if (!priority) return std::unexpected(priority.error());
    CallRequest request{.target = options.target};
    request.params = options.params;
    request.timeout = *timeout;
    if (*retries) request.retries = static_cast<std::uint32_t>(**retries);
    request.priority = static_cast<int>(priority->value_or(0));
    return request;
}

}  // namespace caisson::cli
