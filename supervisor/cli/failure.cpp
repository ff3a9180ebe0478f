// SPDX-License-Identifier: Apache-2.0
#include "cli/failure.hpp"

#include <algorithm>
#include <array>

#include "base/suggest.hpp"
#include "base/text.hpp"

namespace caisson::cli {
namespace {

std::string joined(const std::vector<std::string>& parts, std::string_view between) {
    std::string out;
    for (const auto& part : parts) {
        if (part.empty()) continue;
        if (!out.empty()) out += between;
        out += part;
    }
    return out;
}

// abort() and operator new end a process far above the line that is to blame.
bool of_a_runtime(const Json& frame) {
    constexpr std::array<std::string_view, 8> runtimes = {"libc.so",       "libstdc++.so", "libgcc_s.so", "libm.so",
                                                          "libpthread.so", "ld-linux",     "libc++.so",   "linux-vdso"};
    const auto module = text(frame, "module");
    return std::ranges::any_of(runtimes, [&](auto name) { return module.find(name) != std::string::npos; });
}

std::string target_of(const Json& outcome, std::string_view asked) {
    const auto pool = text(outcome, "pool");
    const auto method = text(outcome, "method");
    if (pool.empty() || method.empty()) return printable(asked);
    return cat(pool, '.', method);
}

std::string said(std::string_view sentence, const std::string& message) {
    return message.empty() ? std::string{sentence} : cat(sentence, ": ", message);
}

// "crashed: SIGSEGV, …", the rest of the first line.
std::string headline(const Json& outcome) {
    const auto word = text(outcome, "outcome");
    const auto message = text(outcome, "message");
    if (word == "timed_out") {
        const auto phase = text(outcome, "phase");
        return said(phase.empty() ? "timed out" : cat("timed out while ", phase), message);
    }
    if (word == "failed") {
        const auto status = text(outcome, "status");
        if (message.empty()) return said(word, status);
        return cat("failed: ", message, status.empty() || status == "internal" ? "" : cat(" (", status, ')'));
    }
    return said(word.empty() ? "ended without an outcome" : word, message);
}

// "worker chaos/2 (pid 4711), call 83, attempt 1 of 1; report 01JD…; pool chaos: 2 of 2 workers ready"
std::string circumstances(const Json& outcome) {
    const auto pool = text(outcome, "pool");
    const Json& worker = member(outcome, "worker");
    const auto id = digits(worker, "id");
    const auto pid = digits(worker, "pid");
    const auto call = digits(outcome, "call");
    const auto attempts = digits(outcome, "attempts");
    const auto most = digits(outcome, "max_attempts");
    const auto report = text(outcome, "report");
    const auto ready = digits(outcome, "pool_ready");
    const auto workers = digits(outcome, "pool_workers");
    // Without a worker there is no first attempt, and a number of a call alone says nothing.
    const auto attempt = attempts.empty() ? "" : cat("attempt ", attempts, most.empty() ? "" : cat(" of ", most));
    const auto where = id.empty() ? (number(outcome, "attempts").value_or(0) > 1 ? attempt : "")
                                  : joined({cat("worker ", pool, '/', id, pid.empty() ? "" : cat(" (pid ", pid, ')')),
                                            call.empty() ? "" : cat("call ", call), attempt},
                                           ", ");
    return joined(
        {where, report.empty() ? "" : cat("report ", report),
         ready.empty() || workers.empty() ? "" : cat("pool ", pool, ": ", ready, " of ", workers, " workers ready")},
        "; ");
}

// What to do about an input that is refused because it has killed too many workers.
std::string poison_hint(const Json& outcome) {
    const auto id = text(outcome, "poison");
    if (id.empty() || text(outcome, "hint").find("--clear") != std::string::npos) return {};
    return cat("once it is mended: caisson poison --clear ", id);
}

// What there is instead of a pool or method that there is not.
void add_choices(std::string& out, const Json& outcome, const std::string& target) {
    const auto dot = target.find('.');
    const auto pool = target.substr(0, dot);
    const auto method = dot == std::string::npos ? std::string{} : target.substr(dot + 1);
    const auto add = [&](std::vector<std::string> choices, std::string_view wrong, std::string_view title,
                         const auto& full) {
        if (choices.empty()) return;
        if (const auto near = nearest(wrong, choices)) out += cat("  did you mean ", full(*near), "?\n");
        std::ranges::sort(choices);
        out += cat("  ", title, ": ", joined(choices, ", "), '\n');
    };
    add(texts(outcome, "methods"), method, cat("methods of ", pool),
        [&](const std::string& near) { return cat(pool, '.', near); });
    add(texts(outcome, "pools"), pool, "pools",
        [&](const std::string& near) { return method.empty() ? near : cat(near, '.', method); });
}

}  // namespace

std::string frame_text(const Json& frame) {
    const auto function = text(frame, "function");
    const auto file = text(frame, "file");
    const auto line = digits(frame, "line");
    const auto module = text(frame, "module");
    const auto offset = text(frame, "offset");
    auto place = offset.empty() ? module : cat(module, '+', offset);
    if (function.empty()) return place;
    if (!file.empty()) return cat(function, " at ", file, line.empty() ? "" : cat(':', line));
    return module.empty() ? function : cat(function, " in ", place);
}

std::string fault_text(const Json& stack) {
    if (!stack.is_array() || stack.empty()) return {};
    const auto first = [&](const auto& good) -> const Json* {
        const auto found = std::ranges::find_if(stack, good);
        return found == stack.end() ? nullptr : &*found;
    };
    const Json* fault = first([](const Json& frame) { return !text(frame, "file").empty() && !of_a_runtime(frame); });
    if (fault == nullptr)
        fault = first([](const Json& frame) { return !text(frame, "function").empty() && !of_a_runtime(frame); });
    if (fault == nullptr) fault = first([](const Json& frame) { return !of_a_runtime(frame); });
    return frame_text(fault == nullptr ? stack.front() : *fault);
}

std::string failure_text(const Json& outcome, std::string_view asked, std::string_view subject) {
    const auto target = target_of(outcome, asked);
    std::string out = cat(subject, target, ' ', headline(outcome), '\n');
    const auto add_line = [&](const std::string& line) {
        if (!line.empty()) out += cat("  ", line, '\n');
    };
    add_line(fault_text(member(outcome, "stack")));
    add_line(circumstances(outcome));
    add_choices(out, outcome, target);
    add_line(text(outcome, "hint"));
    add_line(poison_hint(outcome));
    return out;
}

}  // namespace caisson::cli
