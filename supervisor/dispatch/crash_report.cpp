// SPDX-License-Identifier: Apache-2.0
#include "dispatch/crash_report.hpp"

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>

#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::dispatch {

using nlohmann::json;

std::string CrashReport::message() const { return fleet::words(exit, call != 0); }

json exit_json(const fleet::Exit& exit) {
    json out{{"kind", fleet::word(exit.kind)}};
    if (exit.kind == fleet::Exit::Kind::exited) out["code"] = exit.code;
    if (exit.signal != 0) out["signal"] = fleet::signal_name(exit.signal);
    if (exit.crash) {
        out["signal"] = fleet::signal_name(exit.crash->signal);
        out["code"] = exit.crash->code;
        out["address"] = hex(exit.crash->address);
    }
    if (!exit.step.empty()) out["step"] = exit.step;
    if (!exit.why.empty()) out["why"] = exit.why;
    if (exit.max_rss_bytes > 0) out["max_rss_bytes"] = exit.max_rss_bytes;
    return out;
}

json CrashReport::to_json() const {
    json out{{"report", id},
             {"time", time},
             {"pool", pool},
             {"plugin", plugin},
             {"version", version},
             {"worker", {{"id", worker}, {"pid", pid}}},
             {"exit", exit_json(exit)},
             {"message", message()},
             {"output", output}};
    if (call != 0) {
        out["outcome"] = "crashed";
        out["method"] = method;
        out["call"] = call;
        out["attempts"] = attempts;
        out["max_attempts"] = max_attempts;
    }
    auto& places = out["stack"] = json::array();
    for (const auto& place : stack) {
        json item{{"module", place.module}, {"offset", hex(place.offset)}};
        if (!place.function.empty()) item["function"] = place.function;
        if (!place.file.empty()) {
            item["file"] = place.file;
            item["line"] = place.line;
        }
        places.push_back(std::move(item));
    }
    return out;
}

std::string new_report_id() {
    // Crockford's base 32: no I, L, O, U.
    constexpr std::string_view digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    auto time_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    std::array<std::uint8_t, 16> chance{};
    sys::random_bytes(chance.data(), chance.size());
    std::string id(26, '0');
    for (std::size_t i = 10; i-- > 0; time_ms >>= 5) id[i] = digits[time_ms & 31];
    for (std::size_t i = 0; i < 16; ++i) id[10 + i] = digits[chance[i] & 31];
    return id;
}

}  // namespace caisson::dispatch
