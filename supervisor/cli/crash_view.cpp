// SPDX-License-Identifier: Apache-2.0
#include "cli/crash_view.hpp"

#include "base/text.hpp"
#include "cli/failure.hpp"
#include "cli/table.hpp"

namespace caisson::cli {
namespace {

std::string worker_name(const Json& crash) {
    const auto id = digits(member(crash, "worker"), "id");
    return id.empty() ? id : cat(text(crash, "pool"), '/', id);
}

// What was running, or that nothing was.
std::string subject(const Json& crash) {
    const auto method = text(crash, "method");
    return method.empty() ? text(crash, "pool") : cat(text(crash, "pool"), '.', method);
}

std::string exit_words(const Json& exit) {
    std::string out = text(exit, "kind");
    // The numbers behind a signal (si_code, the address) stand in words in the headline, where they mean something.
    const auto signal = text(exit, "signal");
    const auto code = digits(exit, "code");
    if (!signal.empty())
        out += cat(", ", signal);
    else if (!code.empty())
        out += cat(", code ", code);
    if (const auto why = text(exit, "why"); !why.empty()) out += cat(", ", why);
    return out;
}

std::string fact(std::string_view name, const std::string& value) {
    if (value.empty()) return {};
    return cat("  ", name, std::string(10 - name.size(), ' '), value, '\n');
}

std::string attempts_words(const Json& crash) {
    const auto attempts = digits(crash, "attempts");
    const auto most = digits(crash, "max_attempts");
    return attempts.empty() || most.empty() ? attempts : cat(attempts, " of ", most);
}

std::string stack_lines(const Json& stack) {
    std::string out;
    for (std::size_t index = 0; index < stack.size();) {
        const auto place = frame_text(stack[index]);
        std::size_t next = index + 1;
        while (next < stack.size() && frame_text(stack[next]) == place) ++next;
        out += cat("  #", index, ' ', place);
        if (next - index > 1) out += cat(" (", next - index, " times)");  // a recursion
        out += '\n';
        index = next;
    }
    return out.empty() ? out : cat("stack, innermost first:\n", out);
}

std::string output_lines(const Json& crash) {
    std::string out;
    for (const auto& line : texts(crash, "output")) out += cat("  ", line, '\n');
    return out.empty() ? out : cat("last output:\n", out);
}

}  // namespace

std::string crashes_text(const Json& reply) {
    Table table{{{"REPORT"}, {"TIME"}, {"CALL"}, {"WORKER"}, {"PID", Table::Align::right}, {"CAUSE"}}};
    for (const auto& crash : member(reply, "crashes"))
        table.add({text(crash, "report"), text(crash, "time"),
                   text(crash, "method").empty() ? "(outside calls)" : subject(crash), worker_name(crash),
                   digits(member(crash, "worker"), "pid"), text(crash, "message")});
    return table.empty() ? "no crashes\n" : table.text();
}

std::string crash_text(const Json& reply) {
    const Json& crash = member(reply, "crash");
    const auto version = text(crash, "version");
    const auto worker = worker_name(crash);
    const auto pid = digits(member(crash, "worker"), "pid");
    return cat(subject(crash), " crashed: ", text(crash, "message"), '\n', fact("report", text(crash, "report")),
               fact("time", text(crash, "time")),
               fact("plugin", cat(text(crash, "plugin"), version.empty() ? "" : cat(", version ", version))),
               fact("worker", worker.empty() || pid.empty() ? worker : cat(worker, ", pid ", pid)),
               fact("call", digits(crash, "call")), fact("attempts", attempts_words(crash)),
               fact("exit", exit_words(member(crash, "exit"))), stack_lines(member(crash, "stack")),
               output_lines(crash));
}

}  // namespace caisson::cli
