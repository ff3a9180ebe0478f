// SPDX-License-Identifier: Apache-2.0
#include "cli/top/view.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/top/columns.hpp"

namespace caisson::cli::top {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool contains(const std::string& text, const std::string& part) {
    return !std::ranges::search(text, part, {}, lower, lower).empty() || part.empty();
}

template <class Row>
void sort_rows(std::vector<const Row*>& rows, const Sorting& sorting) {
    const auto columns = columns_for<Row>();
    const auto key = columns[std::min(sorting.column, columns.size() - 1)].key;
    std::ranges::stable_sort(rows, [&](const Row* left, const Row* right) {
        return sorts_before(key(*left), key(*right), sorting.descending);
    });
}

std::string name_of(const PoolRow& row) { return row.name; }

template <class Row>
Cursor settled(const Cursor& cursor, const std::vector<const Row*>& rows) {
    if (rows.empty()) return {};
    const auto found = std::ranges::find(rows, cursor.name, [](const Row* row) { return name_of(*row); });
    const auto row =
        found != rows.end() ? static_cast<std::size_t>(found - rows.begin()) : std::min(cursor.row, rows.size() - 1);
    return {name_of(*rows[row]), row};
}

}  // namespace

bool shows(const View& view, const WorkerRow& row) {
    if (!view.only_pool.empty() && row.pool != view.only_pool) return false;
    return contains(name_of(row), view.filter) || contains(row.method, view.filter) ||
           contains(row.state, view.filter) || contains(cat(row.pid), view.filter);
}

bool shows(const View& view, const Model& model, const PoolRow& row) {
    if (contains(row.name, view.filter) || contains(row.state, view.filter)) return true;
    return std::ranges::any_of(model.workers, [&](const WorkerRow& worker) {
        return worker.pool == row.name &&
               (contains(worker.method, view.filter) || contains(worker.state, view.filter) ||
                contains(cat(worker.pid), view.filter));
    });
}

std::vector<const PoolRow*> shown_pools(const View& view, const Model& model) {
    std::vector<const PoolRow*> rows;
    for (const auto& row : model.pools)
        if (shows(view, model, row)) rows.push_back(&row);
    sort_rows(rows, view.pools.sorting);
    return rows;
}

std::vector<const WorkerRow*> shown_workers(const View& view, const Model& model) {
    std::vector<const WorkerRow*> rows;
    for (const auto& row : model.workers)
        if (shows(view, row)) rows.push_back(&row);
    sort_rows(rows, view.workers.sorting);
    return rows;
}

View settled(View view, const Model& model) {
    if (std::ranges::find(model.pools, view.only_pool, &PoolRow::name) == model.pools.end()) view.only_pool.clear();
    view.pools.cursor = settled(view.pools.cursor, shown_pools(view, model));
    view.workers.cursor = settled(view.workers.cursor, shown_workers(view, model));
    return view;
}

}  // namespace caisson::cli::top
