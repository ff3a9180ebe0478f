// SPDX-License-Identifier: Apache-2.0
/// The columns of the two tables: what each shows, how it sorts, how much room it takes, and how soon it goes when
/// there is not enough.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "cli/top/canvas.hpp"
#include "cli/top/model.hpp"

namespace caisson::cli::top {

/// What a column sorts by; nothing: not known, and last in either order.
using SortKey = std::variant<std::monostate, double, std::string>;

/// `left` before `right`, in this order.
[[nodiscard]] bool sorts_before(const SortKey& left, const SortKey& right, bool descending);

template <class Row>
struct Column {
    std::string_view title;
    bool to_right = false;  ///< numbers; they begin with the largest when sorted
    std::size_t least = 1;  ///< columns that it takes however short its texts are, so that it stays where it is
    std::size_t most = 1;   ///< and at most, however long
    unsigned rank = 0;      ///< of importance: the largest goes first
    bool optional = false;  ///< not there at all if no row knows it
    std::string (*text)(const Row&) = nullptr;  ///< empty: not known
    SortKey (*key)(const Row&) = nullptr;
    Role (*role)(const Row&) = nullptr;
};

[[nodiscard]] std::span<const Column<PoolRow>> pool_columns();
[[nodiscard]] std::span<const Column<WorkerRow>> worker_columns();

template <class Row>
[[nodiscard]] std::span<const Column<Row>> columns_for();
template <>
[[nodiscard]] inline std::span<const Column<PoolRow>> columns_for() {
    return pool_columns();
}
template <>
[[nodiscard]] inline std::span<const Column<WorkerRow>> columns_for() {
    return worker_columns();
}

}  // namespace caisson::cli::top
