// SPDX-License-Identifier: Apache-2.0
#include "cli/top/layout.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/text.hpp"
#include "cli/top/figures.hpp"
#include "cli/top/pages.hpp"
#include "cli/top/table_layout.hpp"
#include "cli/words.hpp"

namespace caisson::cli::top {
namespace {

// Screens from so many rows on have a row in words, an empty one between the tables, and a second row in words.
constexpr std::size_t rows_for_detail = 12;
constexpr std::size_t rows_for_gap = 16;
constexpr std::size_t rows_for_more_detail = 20;
// Two headings, and two rows each.
constexpr std::size_t rows_for_two_tables = 6;
// Characters of a library's hash: enough to tell two versions apart.
constexpr std::size_t shown_hash = 12;
// ---- tables ---------------------------------------------------------------------------------------------------------

void say_none(Canvas& canvas, std::size_t row, const View& view, std::string_view what) {
    canvas.put(row, mark_columns, cat("no ", what, view.filter.empty() ? "" : " with this text"), Role::quiet);
}

void draw_tables(Canvas& canvas, const Model& model, const View& view, const Plan& plan, bool cursor) {
    std::size_t top = 1;
    if (plan.pools > 0) {
        const auto rows = shown_pools(view, model);
        draw_table(canvas, {top, plan.pools, cursor && view.focus == Focus::pools}, rows, view.pools);
        if (rows.empty()) say_none(canvas, top + 1, view, "pools");
        top += 1 + plan.pools + (plan.gap ? 1 : 0);
    }
    if (plan.workers == 0) return;
    const auto rows = shown_workers(view, model);
    draw_table(canvas, {top, plan.workers, cursor && view.focus == Focus::workers}, rows, view.workers);
    if (rows.empty()) say_none(canvas, top + 1, view, "workers");
}

// ---- lines of words -------------------------------------------------------------------------------------------------

// As many parts as there is room for, the first ones first.
std::string joined(std::span<const std::string> parts, std::size_t room) {
    std::string out;
    for (const auto& part : parts) {
        if (part.empty()) continue;
        if (!out.empty() && columns_of(out) + 2 + columns_of(part) > room) break;
        out += cat(out.empty() ? "" : "  ", part);
    }
    return out;
}

void draw_service(Canvas& canvas, const Model& model, const View& view, const Connection& connection) {
    const auto columns = canvas.size().columns;
    const auto& service = model.service;
    if (connection.lost) {
        const auto wait_s = static_cast<std::int64_t>(std::ceil(std::max(connection.retry_in_s, 0.0)));
        canvas.put(0, 0, cat("service lost, next try in ", wait_s, " s: ", connection.why));
        return canvas.paint(0, Role::bad);
    }
    const std::string flag = view.paused                                           ? "PAUSED"
                             : service.state == "serving" || service.state.empty() ? ""
                                                                                   : service.state;
    const std::array parts{
        cat("caisson ", service.version),
        cat("up ", short_time(service.uptime_s)),
        service.calls_per_s ? cat(short_rate(*service.calls_per_s), " calls/s") : std::string{},
        cat(service.ready, '/', service.target, " workers"),
        cat(grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(service.running, 0))), " running"),
        cat(grouped(static_cast<std::uint64_t>(std::max<std::int64_t>(service.queued, 0))), " queued"),
        service.sessions ? counted(static_cast<std::uint64_t>(std::max<std::int64_t>(*service.sessions, 0)), "session")
                         : std::string{},
        service.problems > 0 ? counted(service.problems, "problem") : std::string{}};
    canvas.put(0, 0, joined(parts, columns - std::min(columns, flag.empty() ? 0 : flag.size() + 2)));
    canvas.paint(0, Role::title);
    canvas.put_right(0, columns, flag, Role::warning, columns);
}

std::string words_of(const PoolRow& pool) {
    const auto since = pool.since_s ? cat(" for ", short_time(*pool.since_s)) : std::string{};
    std::string out = cat(pool.name, ": ", pool.state, since);
    if (!pool.reason.empty()) out += cat(": ", pool.reason);
    if (!pool.breaker.empty() && pool.breaker != "closed") out += cat("; breaker ", pool.breaker);
    if (pool.probe_in_s) out += cat("; probe in ", short_time(*pool.probe_in_s));
    if (!pool.last_crash.empty()) out += cat("; last crash ", pool.last_crash);
    if (!pool.version.empty()) out += cat("; version ", pool.version);
    if (!pool.hash.empty()) out += cat(' ', pool.hash.substr(0, shown_hash));
    return pool.plugin.empty() ? out : cat(out, "; ", pool.plugin);
}

std::string words_of(const WorkerRow& worker) {
    std::string out = cat(name_of(worker), ": ", worker.state);
    if (!worker.method.empty()) out += cat(' ', worker.method);
    if (worker.running_s) out += cat(" for ", age(static_cast<std::int64_t>(*worker.running_s)));
    if (worker.pid > 0) out += cat("; pid ", worker.pid, ", up ", age(static_cast<std::int64_t>(worker.uptime_s)));
    return out;
}

template <class Row>
std::string words_at(const std::vector<const Row*>& rows, std::size_t row) {
    return row < rows.size() ? words_of(*rows[row]) : std::string{};
}

// What is under the cursor, in the rows above the last.
void draw_detail(Canvas& canvas, const Model& model, const View& view, const Plan& plan) {
    if (plan.detail == 0) return;
    const auto words = view.focus == Focus::pools ? words_at(shown_pools(view, model), view.pools.cursor.row)
                                                  : words_at(shown_workers(view, model), view.workers.cursor.row);
    const auto room = canvas.size().columns - std::min(canvas.size().columns, mark_columns);
    auto lines = page_lines({.title = {}, .lines = {words}}, room);
    const auto count = std::min(lines.size(), plan.detail);
    if (count > 0 && count < lines.size()) lines[count - 1] += " ...";
    for (std::size_t i = 0; i < count; ++i)
        canvas.put(canvas.size().rows - 1 - plan.detail + i, mark_columns, lines[i], Role::quiet);
}

// ---- the last row ---------------------------------------------------------------------------------------------------

struct Hint {
    std::string_view key;
    std::string_view does;
};

constexpr std::array table_hints{Hint{"h", "help"},  Hint{"q", "quit"},    Hint{"/", "filter"},   Hint{"s", "sort"},
                                 Hint{"r", "order"}, Hint{"Tab", "table"}, Hint{"Enter", "pool"}, Hint{"R", "restart"},
                                 Hint{"K", "kill"},  Hint{"c", "crashes"}, Hint{"e", "events"},   Hint{"p", "pause"}};
constexpr std::array text_hints{Hint{"Esc", "back"}, Hint{"j k", "scroll"}, Hint{"Space", "next page"}};
constexpr std::array choice_hints{Hint{"Esc", "back"}, Hint{"Enter", "show"}, Hint{"j k", "choose"}};

void draw_hints(Canvas& canvas, std::size_t row, std::size_t at, std::size_t end, std::span<const Hint> hints) {
    for (const auto& [key, does] : hints) {
        const auto needed = key.size() + 1 + does.size();
        if (at + needed > end) return;
        at += canvas.put(row, at, key, Role::key);
        at += 1 + canvas.put(row, at + 1, does, Role::quiet) + 2;
    }
}

std::string question_text(const Wish& wish) {
    const auto target = wish.worker == 0 ? cat("pool ", wish.pool) : cat("worker ", wish.pool, '/', wish.worker);
    return cat(wish.kind == Wish::Kind::kill ? "Kill " : "Restart ", target, "? y or n");
}

// What hides rows must be seen.
std::string choices(const View& view) {
    std::string out;
    if (!view.filter.empty()) out += cat("filter: ", view.filter);
    if (!view.only_pool.empty()) out += cat(out.empty() ? "" : ", ", "only ", view.only_pool);
    return out;
}

// Where the cursor is, if not all rows are in sight.
std::string position(const Model& model, const View& view, const Plan& plan) {
    const bool pools = view.focus == Focus::pools;
    const auto rows = pools ? shown_pools(view, model).size() : shown_workers(view, model).size();
    if (rows <= (pools ? plan.pools : plan.workers)) return {};
    return cat((pools ? view.pools : view.workers).cursor.row + 1, '/', rows);
}

void draw_last(Canvas& canvas, const Model& model, const View& view, const Plan& plan) {
    const auto row = canvas.size().rows - 1;
    const auto columns = canvas.size().columns;
    if (view.question) {
        canvas.put(row, 0, question_text(*view.question), Role::warning);
    } else if (view.typing) {
        canvas.put(row, 0, cat("filter: ", view.filter, '_'), Role::key);
    } else if (!view.note.empty()) {
        canvas.put(row, 0, view.note, view.note_is_bad ? Role::bad : Role::plain);
    } else {
        const auto where = position(model, view, plan);
        const auto end = columns - std::min(columns, where.empty() ? 0 : where.size() + 2);
        const auto used = canvas.put(row, 0, choices(view), Role::warning, end);
        draw_hints(canvas, row, used == 0 ? 0 : used + 2, end, table_hints);
        canvas.put_right(row, columns, where, Role::quiet, columns);
    }
}

void draw_page(Canvas& canvas, const TextPage& page, const View& view) {
    const auto rows = page_rows(canvas.size(), page);
    const auto lines = page_lines(page, canvas.size().columns - std::min(canvas.size().columns, mark_columns));
    const auto count = lines.size();
    std::size_t row = 1;
    canvas.put(row++, 0, page.title, Role::heading);
    if (!page.heading.empty()) canvas.put(row++, mark_columns, page.heading, Role::heading);
    const auto first =
        page.chosen_from() ? first_shown(page.at, count, rows) : std::min(page.at, count - std::min(count, rows));
    for (std::size_t i = first; i < std::min(count, first + rows); ++i, ++row) {
        canvas.put(row, mark_columns, lines[i]);
        if (!page.chosen_from() || i != page.at) continue;
        canvas.put(row, 0, ">");
        canvas.paint(row, Role::selected);
    }
    const auto last = canvas.size().rows - 1;
    const auto where = count > rows ? cat(std::min(count, first + rows), '/', count) : std::string{};
    if (!view.note.empty()) {
        canvas.put(last, 0, view.note, view.note_is_bad ? Role::bad : Role::plain);
        return;
    }
    canvas.put_right(last, canvas.size().columns, where, Role::quiet, canvas.size().columns);
    const auto end = canvas.size().columns - std::min(canvas.size().columns, where.empty() ? 0 : where.size() + 2);
    draw_hints(canvas, last, 0, end, page.chosen_from() ? std::span<const Hint>{choice_hints} : text_hints);
}

Plan plan_of(const Model& model, const View& view, Size size) {
    return plan(size, view.focus, shown_pools(view, model).size(), shown_workers(view, model).size());
}

}  // namespace

Plan plan(Size size, Focus focus, std::size_t pools, std::size_t workers) {
    Plan plan;
    std::size_t room = size.rows - std::min<std::size_t>(size.rows, 2);  // the first and the last row
    plan.detail = (size.rows >= rows_for_detail ? 1U : 0U) + (size.rows >= rows_for_more_detail ? 1U : 0U);
    plan.gap = size.rows >= rows_for_gap;
    room -= plan.detail + (plan.gap ? 1U : 0U);
    if (room < rows_for_two_tables) {
        (focus == Focus::pools ? plan.pools : plan.workers) = room - std::min<std::size_t>(room, 1);
        return plan;
    }
    room -= 2;  // headings
    // Each table says at least that it has no rows.
    const auto pools_want = std::max<std::size_t>(pools, 1);
    const auto workers_want = std::max<std::size_t>(workers, 1);
    const auto left_by_workers = room - std::min(room, workers_want);
    plan.pools = std::min(pools_want, std::max(room / 2, left_by_workers));
    plan.workers = room - plan.pools;
    return plan;
}

std::size_t page_rows(Size size, const TextPage& page) {
    const std::size_t others = page.heading.empty() ? 3 : 4;  // the service, the title, the last row
    return size.rows > others ? size.rows - others : 1;
}

Seen seen(const Model& model, const View& view, Size size) {
    const auto plan = plan_of(model, view, size);
    Seen seen{.model = model, .table_rows = view.focus == Focus::pools ? plan.pools : plan.workers};
    if (view.pages.empty()) return seen;
    seen.page_rows = page_rows(size, view.pages.back());
    seen.page_lines = page_lines(view.pages.back(), size.columns - std::min(size.columns, mark_columns)).size();
    return seen;
}

Canvas draw(const Model& model, const View& view, const Connection& connection, Size size) {
    Canvas canvas{size};
    if (size.rows == 0 || size.columns == 0) return canvas;
    if (!view.pages.empty()) {
        draw_page(canvas, view.pages.back(), view);
        draw_service(canvas, model, view, connection);
        return canvas;
    }
    const auto plan = plan_of(model, view, size);
    draw_tables(canvas, model, view, plan, true);
    if (connection.lost)  // what is seen is of before
        for (std::size_t row = 1; row + 1 < size.rows; ++row) canvas.paint(row, Role::quiet);
    draw_service(canvas, model, view, connection);
    draw_detail(canvas, model, view, plan);
    if (size.rows > 1) draw_last(canvas, model, view, plan);
    return canvas;
}

std::string frame_text(const Model& model, const View& view, std::size_t columns) {
    const Plan plan{.pools = std::max<std::size_t>(shown_pools(view, model).size(), 1),
                    .workers = std::max<std::size_t>(shown_workers(view, model).size(), 1),
                    .gap = true};
    Canvas canvas{{columns, 1 + 1 + plan.pools + 1 + 1 + plan.workers}};
    draw_tables(canvas, model, view, plan, false);
    draw_service(canvas, model, view, {});
    return canvas.text();
}

}  // namespace caisson::cli::top
