// SPDX-License-Identifier: Apache-2.0
/// Text: counting words as wc does, and searching with regular expressions that cannot run away.
#include <re2/re2.h>

#include <algorithm>
#include <caisson/plugin.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using caisson::plugin::Bytes;
using caisson::plugin::Call;
using caisson::plugin::Error;
using caisson::plugin::Json;
using caisson::plugin::Status;

// The classes of the C locale, whatever the worker's locale is.
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
constexpr bool is_graphic(char c) { return c > ' ' && c < 0x7F; }

/// Equal to `LC_ALL=C wc`: white space ends a word, a graphic character is in one, and every other byte changes
/// nothing.
Json wordcount(Bytes body) {
    std::uint64_t lines = 0;
    std::uint64_t words = 0;
    bool in_word = false;
    for (const char c : caisson::plugin::text(body)) {
        if (c == '\n') ++lines;
        if (is_space(c)) {
            in_word = false;
        } else if (is_graphic(c)) {
            if (!in_word) ++words;
            in_word = true;
        }
    }
    return {{"lines", lines}, {"words", words}, {"bytes", body.size()}};
}

/// Matching lines are gathered up to here before they are written.
constexpr std::size_t gather_bytes = 64 * 1024;

void grep(Bytes body, Call& call) {
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 pattern{call.param<std::string>("pattern"), options};
    if (!pattern.ok()) throw Error{Status::invalid_argument, "params.pattern: " + pattern.error()};

    std::string_view rest = caisson::plugin::text(body);
    std::string found;
    while (!rest.empty()) {
        const auto line = rest.substr(0, rest.find('\n'));
        if (RE2::PartialMatch(re2::StringPiece{line.data(), line.size()}, pattern)) found.append(line) += '\n';
        rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        if (found.size() < gather_bytes) continue;
        call.check_cancelled();
        call.write(found);
        found.clear();
    }
    if (!found.empty()) call.write(found);
}

}  // namespace

CAISSON_PLUGIN("text", "1.0.0") {
    method("echo", [](const Call& call) { call.write(call.body()); }).help("the body as it is").idempotent();
    method("wordcount", wordcount).help("lines, words and bytes of the body, as wc counts them").idempotent();
    method("grep", grep)
        .help("the lines of the body that match params.pattern, a regular expression (RE2)")
        .idempotent();
}
