// SPDX-License-Identifier: Apache-2.0
/// A TOML document as plain values with their places, in the order of the file.
///
/// It stands between the parser, which only load.cpp knows, and everything that asks what the values mean.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "settings/problem.hpp"

namespace caisson::settings {

struct Node;
struct Member;

/// A date, a time or both, as RFC 3339 writes it.
struct Date {
    std::string text;
};

using Array = std::vector<Node>;

/// The keys of a table and their values. A key stands in it once.
struct Table {
    std::vector<Member> members;

    [[nodiscard]] const Member* find(std::string_view key) const;
};

struct Node {
    Place place;
    std::variant<std::string, std::int64_t, double, bool, Date, Array, Table> value;

    template <class T>
    [[nodiscard]] const T* as() const {
        return std::get_if<T>(&value);
    }
};

struct Member {
    std::string key;
    Place place;
    Node value;
};

/// What `node` is, for people: `the string "four"`, `the number 4`, `a table`.
[[nodiscard]] std::string describe(const Node& node);

/// The object `base_json` with the members of `table` laid over it, key by key, nested tables too. Dates become
/// strings. Fails, and says at which place, for what JSON cannot say (`nan`, `inf`).
struct NotJson {
    Place place;
    std::string what;
};
[[nodiscard]] std::expected<std::string, NotJson> merge_json(const std::string& base_json, const Table& table);

}  // namespace caisson::settings
