// SPDX-License-Identifier: Apache-2.0
#include "cli/top/keys.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/top/columns.hpp"
#include "cli/top/pages.hpp"

namespace caisson::cli::top {
namespace {

using Name = Key::Name;
using Kind = Wish::Kind;

/// Bytes of a filter: more than any name has.
constexpr std::size_t max_filter_bytes = 64;

TableView& focused(View& view) { return view.focus == Focus::pools ? view.pools : view.workers; }

// Letters that stand for a key which not every terminal sends.
Name name_of(const Key& key) {
    if (key.name != Name::character) return key.name;
    switch (key.character) {
        case U'k':
            return Name::up;
        case U'j':
            return Name::down;
        case U'g':
            return Name::home;
        case U'G':
            return Name::end;
        case U' ':
            return Name::page_down;
        case U'b':
            return Name::page_up;
        default:
            return Name::character;
    }
}

// The row of `count` that the key goes to from `row`, or nothing if it does not move.
std::optional<std::size_t> moved(Name name, std::size_t row, std::size_t count, std::size_t page) {
    const std::size_t last = count == 0 ? 0 : count - 1;
    const std::size_t step = std::max<std::size_t>(page, 1);
    switch (name) {
        case Name::up:
            return row - std::min<std::size_t>(row, 1);
        case Name::down:
            return std::min(row + 1, last);
        case Name::page_up:
            return row - std::min(row, step);
        case Name::page_down:
            return std::min(row + step, last);
        case Name::home:
            return 0;
        case Name::end:
            return last;
        default:
            return std::nullopt;
    }
}

// ---- sorting --------------------------------------------------------------------------------------------------------

template <class Row>
Sorting sorted_beside(const Sorting& sorting, bool to_left) {
    const auto columns = columns_for<Row>();
    const auto next = (sorting.column + (to_left ? columns.size() - 1 : 1)) % columns.size();
    return {next, columns[next].to_right};
}

void sort_beside(View& view, bool to_left) {
    auto& sorting = focused(view).sorting;
    sorting = view.focus == Focus::pools ? sorted_beside<PoolRow>(sorting, to_left)
                                         : sorted_beside<WorkerRow>(sorting, to_left);
}

// ---- wishes ---------------------------------------------------------------------------------------------------------

std::optional<Wish> at_cursor(const View& view, const Seen& seen, Kind kind) {
    if (view.focus == Focus::pools)
        return view.pools.cursor.name.empty() ? std::nullopt
                                              : std::optional{Wish{.kind = kind, .pool = view.pools.cursor.name}};
    const auto& workers = seen.model.workers;
    const auto found =
        std::ranges::find(workers, view.workers.cursor.name, [](const WorkerRow& row) { return top::name_of(row); });
    if (found == workers.end()) return std::nullopt;
    return Wish{.kind = kind, .pool = found->pool, .worker = found->id};
}

void ask_back(View& view, const Seen& seen, Kind kind) {
    if (kind == Kind::kill && view.focus == Focus::pools) {
        view.note = "K kills one worker: choose it in the table of workers (Tab)";
        view.note_is_bad = true;
        return;
    }
    view.question = at_cursor(view, seen, kind);
}

// ---- where keys go --------------------------------------------------------------------------------------------------

// Only y does it; every other key is a no.
std::optional<Wish> answer(View& view, const Key& key) {
    auto wish = std::exchange(view.question, {});
    const bool yes = key.name == Name::character && (key.character == U'y' || key.character == U'Y');
    return yes ? wish : std::nullopt;
}

void type(View& view, const Key& key) {
    if (key.name == Name::enter) {
        view.typing = false;
    } else if (key.name == Name::escape) {
        view.typing = false;
        view.filter.clear();
    } else if (key.name == Name::erase) {
        while (!view.filter.empty() && (static_cast<unsigned char>(view.filter.back()) & 0xC0) == 0x80)
            view.filter.pop_back();
        if (!view.filter.empty()) view.filter.pop_back();
    } else if (key.name == Name::character && key.character >= U' ' && view.filter.size() < max_filter_bytes) {
        append_utf8(view.filter, key.character);
    }
}

std::optional<Wish> on_page(View& view, const Key& key, const Seen& seen) {
    auto& page = view.pages.back();
    // A text is read to its last line at the bottom; a choice goes to the last line.
    const auto lines = seen.page_lines;
    const auto places = page.chosen_from() ? lines : lines - std::min(lines, seen.page_rows) + 1;
    const auto last = places - std::min<std::size_t>(places, 1);
    if (const auto at = moved(name_of(key), std::min(page.at, last), places, seen.page_rows)) {
        page.at = *at;
        return std::nullopt;
    }
    if (key.name == Name::enter && page.at < page.names.size())
        return Wish{.kind = Kind::report, .report = page.names[page.at]};
    const bool back = key.name == Name::escape || key.name == Name::erase ||
                      (key.name == Name::character && (key.character == U'q' || key.character == U'h'));
    if (back) view.pages.pop_back();
    return std::nullopt;
}

void choose_pool(View& view, const Seen& seen) {
    const auto chosen = at_cursor(view, seen, Kind::quit);
    if (!chosen) return;
    view.only_pool = view.only_pool == chosen->pool ? std::string{} : chosen->pool;
}

// Takes back the latest choice that hides something.
void step_back(View& view) {
    if (!view.filter.empty())
        view.filter.clear();
    else
        view.only_pool.clear();
}

std::optional<Wish> on_letter(View& view, char32_t letter, const Seen& seen) {
    switch (letter) {
        case U'q':
            return Wish{.kind = Kind::quit};
        case U'h':
        case U'?':
            view.pages.push_back(help_page());
            break;
        case U's':
        case U'>':
            sort_beside(view, false);
            break;
        case U'<':
            sort_beside(view, true);
            break;
        case U'r':
            focused(view).sorting.descending = !focused(view).sorting.descending;
            break;
        case U'/':
            view.typing = true;
            break;
        case U'p':
            view.paused = !view.paused;
            break;
        case U'c':
            return Wish{.kind = Kind::crashes};
        case U'e':
            return Wish{.kind = Kind::events};
        case U'R':
            ask_back(view, seen, Kind::restart);
            break;
        case U'K':
            ask_back(view, seen, Kind::kill);
            break;
        default:
            break;
    }
    return std::nullopt;
}

std::optional<Wish> on_tables(View& view, const Key& key, const Seen& seen) {
    const auto rows =
        view.focus == Focus::pools ? shown_pools(view, seen.model).size() : shown_workers(view, seen.model).size();
    auto& cursor = focused(view).cursor;
    if (const auto row = moved(name_of(key), cursor.row, rows, seen.table_rows)) {
        cursor = {{}, *row};
        return std::nullopt;
    }
    switch (key.name) {
        case Name::tab:
            view.focus = view.focus == Focus::pools ? Focus::workers : Focus::pools;
            return std::nullopt;
        case Name::enter:
            choose_pool(view, seen);
            return std::nullopt;
        case Name::escape:
            step_back(view);
            return std::nullopt;
        default:
            return on_letter(view, key.name == Name::character ? key.character : 0, seen);
    }
}

std::optional<Wish> dispatch(View& view, const Key& key, const Seen& seen) {
    if (key.name == Name::redraw) return Wish{.kind = Kind::redraw};
    view.note.clear();
    view.note_is_bad = false;
    if (view.question) return answer(view, key);
    if (!view.pages.empty()) return on_page(view, key, seen);
    if (view.typing && moved(key.name, 0, 1, 1) == std::nullopt && key.name != Name::tab) {
        type(view, key);
        return std::nullopt;
    }
    return on_tables(view, key, seen);
}

}  // namespace

Step press(View view, const Key& key, const Seen& seen) {
    auto wish = dispatch(view, key, seen);
    return {settled(std::move(view), seen.model), std::move(wish)};
}

}  // namespace caisson::cli::top
