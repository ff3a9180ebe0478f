// SPDX-License-Identifier: Apache-2.0
/// caisson metrics: what Prometheus would read.
#include "cli/command.hpp"
#include "cli/session.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(The metrics of the service in Prometheus' text format, as GET /metrics answers them; but
over the service's own socket, so that no address is needed. docs/metrics.md explains each.

Exit codes: 0 ok, 3 no supervisor.

Examples:
  caisson metrics
  caisson metrics | promtool check metrics)";

Action declare(OptionSet& set, const Context& context) {
    (void)set;
    return [&context] {
        const auto text = [](const Json& reply) {
            const Json& metrics = member(reply, "metrics");
            return metrics.is_string() ? metrics.get<std::string>() : std::string{};
        };
        return ask_and_print(context, {{"verb", "metrics"}}, "metrics", text);
    };
}

}  // namespace

Command metrics_command() { return {"metrics", "print the metrics, as Prometheus reads them", help_text, declare}; }

}  // namespace caisson::cli
