// SPDX-License-Identifier: Apache-2.0
/// What the user has chosen to see: which rows, in which order, where the cursor is, and what is being asked. A value;
/// keys make a new one of it (keys.hpp), and the layout draws it (layout.hpp).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/top/model.hpp"

namespace caisson::cli::top {

struct Sorting {
    std::size_t column = 0;
    bool descending = false;
    friend bool operator==(const Sorting&, const Sorting&) = default;
};

/// Where the cursor of a table is: at a row with a name, which it follows when rows move; when that row has gone, at
/// the one that took its place.
struct Cursor {
    std::string name;  ///< of a pool, or "math/2"; empty: the row at `row`
    std::size_t row = 0;
    friend bool operator==(const Cursor&, const Cursor&) = default;
};

struct TableView {
    Sorting sorting;
    Cursor cursor;
};

enum class Focus : std::uint8_t { pools, workers };

/// What only the service can do, or the program.
struct Wish {
    enum class Kind : std::uint8_t { quit, redraw, restart, kill, crashes, report, events };
    Kind kind = Kind::quit;
    std::string pool = {};
    std::int64_t worker = 0;  ///< 0: all of the pool
    std::string report = {};
};

/// A page of text over the tables. Its lines are chosen from if they have names.
struct TextPage {
    std::string title;
    std::string heading = {};  ///< stays when the lines scroll
    std::vector<std::string> lines = {};
    std::vector<std::string> names = {};  ///< of reports, one for each line; empty: a text to read
    std::size_t at = 0;                   ///< the chosen line, or the uppermost

    [[nodiscard]] bool chosen_from() const { return !names.empty(); }
};

struct View {
    Focus focus = Focus::pools;
    TableView pools;
    TableView workers{.sorting = {4, true}, .cursor = {}};  ///< FOR: what has run longest is what one looks for
    std::string only_pool;                                  ///< the only one whose workers are shown; empty: all
    std::string filter;                                     ///< what a row must contain
    bool typing = false;                                    ///< keys go into the filter
    bool paused = false;
    std::optional<Wish> question;  ///< done when the answer is yes
    std::string note;              ///< what became of the last wish, until the next key
    bool note_is_bad = false;
    std::vector<TextPage> pages;  ///< the last is on top
};

/// Whether a row is shown.
[[nodiscard]] bool shows(const View& view, const Model& model, const PoolRow& row);
[[nodiscard]] bool shows(const View& view, const WorkerRow& row);

/// The rows that are shown, in their order. They point into the model.
[[nodiscard]] std::vector<const PoolRow*> shown_pools(const View& view, const Model& model);
[[nodiscard]] std::vector<const WorkerRow*> shown_workers(const View& view, const Model& model);

/// The view with its cursors at rows that are there.
[[nodiscard]] View settled(View view, const Model& model);

}  // namespace caisson::cli::top
