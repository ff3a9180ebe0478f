// SPDX-License-Identifier: Apache-2.0
/// caisson doctor: what this host can enforce.

#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/document.hpp"
#include "cli/session.hpp"
#include "cli/table.hpp"

namespace caisson::cli {
namespace {

constexpr std::string_view help_text =
    R"(One row for each thing that Caisson uses of this host: whether it is there, what was
found, and what it is for. Where something is missing Caisson works without it, and
the row says what is then not enforced. No running service is needed.

Exit codes: 0 ok.

Examples:
  caisson doctor
  caisson doctor --json)";

std::string as_table(const std::vector<Capability>& capabilities) {
    Table table{{{"CAPABILITY"}, {"HERE"}, {"FOUND"}, {"FOR"}}};
    for (const auto& entry : capabilities)
        table.add({entry.name, entry.available ? "yes" : "no", printable(entry.detail), entry.purpose});
    return table.text();
}

std::string as_json(const std::vector<Capability>& capabilities) {
    Json list = Json::array();
    for (const auto& entry : capabilities)
        list.push_back({{"name", entry.name},
                        {"available", entry.available},
                        {"detail", entry.detail},
                        {"purpose", entry.purpose}});
    return cat(Json{{"capabilities", list}}.dump(-1, ' ', false, Json::error_handler_t::replace), '\n');
}

Action declare(OptionSet&, const Context& context) {
    return [&context] {
        const auto capabilities = context.doors.doctor();
        return print(context, context.json ? as_json(capabilities) : as_table(capabilities));
    };
}

}  // namespace

Command doctor_command() {
    return {"doctor", "tell what this host can enforce and what is missing", help_text, declare};
}

}  // namespace caisson::cli
