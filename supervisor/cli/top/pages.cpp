// SPDX-License-Identifier: Apache-2.0
#include "cli/top/pages.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/crash_view.hpp"
#include "cli/table.hpp"
#include "cli/top/canvas.hpp"

namespace caisson::cli::top {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

// "2026-11-22T10:41:13.123Z" as "11-22 10:41:13": the year is known.
std::string short_stamp(const std::string& time) {
    if (time.size() < 19 || time[10] != 'T') return time;
    return cat(time.substr(5, 5), ' ', time.substr(11, 8));
}

std::string subject_of(const Json& crash) {
    const auto method = text(crash, "method");
    return method.empty() ? cat(text(crash, "pool"), " (outside calls)") : cat(text(crash, "pool"), '.', method);
}

// What an event tells beside what stands in every line: "state=ready reason=…".
std::string fields_of(const Json& event) {
    std::string out;
    if (!event.is_object()) return out;
    for (const auto& [name, value] : event.items()) {
        if (name == "seq" || name == "time" || name == "level" || name == "event" || name == "message" ||
            name == "pool")
            continue;
        const auto shown = value.is_string() ? text(event, name.c_str()) : digits(event, name.c_str());
        if (!shown.empty()) out += cat(' ', printable(name), '=', shown);
    }
    return out;
}

// Appends `line` in pieces that fit, each but the first a little to the right.
void wrap(std::vector<std::string>& lines, const std::string& line, std::size_t room) {
    constexpr std::size_t indent = 4;
    if (room <= 2 * indent || columns_of(line) <= room) return lines.push_back(line);
    std::string piece;
    std::size_t used = 0;
    for (const auto& glyph : glyphs_of(line)) {
        if (used + glyph.columns > room) {
            // Behind the last word that fits whole, unless it begins too far to the left.
            const auto space = piece.find_last_of(' ');
            const bool at_word = space != std::string::npos && space >= piece.size() / 2;
            auto rest = std::string(indent, ' ') + (at_word ? piece.substr(space + 1) : std::string{});
            lines.push_back(at_word ? piece.substr(0, space) : piece);
            piece = std::move(rest);
            used = columns_of(piece);
        }
        append_utf8(piece, glyph.code);
        used += glyph.columns;
    }
    lines.push_back(piece);
}

}  // namespace

TextPage help_page() {
    // Lines that a screen of 40 columns shows whole.
    return {.title = "Help",
            .lines = {"arrows, j k  up and down",
                      "PgUp PgDn    a page (also b, Space)",
                      "Home End     first, last row (g, G)",
                      "Tab          the other table",
                      "Enter        only this pool's workers;",
                      "             again or Esc: all",
                      "/            only rows with a text in",
                      "             pool, method, state, pid;",
                      "             Enter keeps, Esc clears",
                      "s > <        sort by the next column,",
                      "             or the one before",
                      "r            the other order",
                      "R            restart pool or worker",
                      "K            kill the worker at once",
                      "             (R and K ask first)",
                      "c            crashes; Enter: a report",
                      "e            events",
                      "p            pause, go on",
                      "Ctrl-L       draw the screen anew",
                      "h ?          this help",
                      "q            leave a page; quit",
                      "",
                      "READY    workers that can take calls,",
                      "         of those there should be",
                      "RUN      calls that run",
                      "QUEUE    calls that wait",
                      "CALLS/S  calls that ended, in a second",
                      "P50 P99  half, 99 % of the calls took",
                      "         no longer",
                      "CRASHES  calls whose worker died",
                      "METHOD   what a worker runs now, and",
                      "FOR      for how long already",
                      "A dash: the service does not tell."}};
}

TextPage crashes_page(const Json& reply) {
    const Json& crashes = member(reply, "crashes");
    Table table{{{"TIME"}, {"CALL"}, {"CAUSE"}}};
    TextPage page{.title = "Crashes, newest first"};
    for (const auto& crash : crashes) {
        table.add({short_stamp(text(crash, "time")), subject_of(crash), text(crash, "message")});
        page.names.push_back(text(crash, "report"));
    }
    page.lines = lines_of(table.empty() ? "no crashes" : table.text());
    if (table.empty()) return page;
    page.heading = page.lines.front();
    page.lines.erase(page.lines.begin());
    return page;
}

TextPage report_page(const Json& reply) {
    return {.title = cat("Crash report ", text(member(reply, "crash"), "report")),
            .lines = lines_of(crash_text(reply))};
}

TextPage events_page(const Json& reply) {
    TextPage page{.title = "Events"};
    for (const auto& event : member(reply, "events")) {
        const auto pool = text(event, "pool");
        page.lines.push_back(cat(short_stamp(text(event, "time")), ' ', text(event, "level"), ' ', pool,
                                 pool.empty() ? "" : ": ", text(event, "message"), fields_of(event)));
    }
    page.at = page.lines.size();
    if (page.lines.empty()) page.lines.emplace_back("no events");
    return page;
}

std::vector<std::string> page_lines(const TextPage& page, std::size_t columns) {
    if (page.chosen_from()) return page.lines;
    std::vector<std::string> lines;
    for (const auto& line : page.lines) wrap(lines, line, columns);
    return lines;
}

}  // namespace caisson::cli::top
