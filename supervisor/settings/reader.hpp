// SPDX-License-Identifier: Apache-2.0
/// Takes the keys of one table, one by one: a value that is there and good goes into its setting, anything else is a
/// problem that says what was found and what is wanted. What nobody took is an unknown key.
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings/problem.hpp"
#include "settings/tree.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {

/// What all readers of one file share.
struct Reading {
    std::string file;                ///< its name, for problems
    std::filesystem::path base_dir;  ///< what relative paths in it are relative to
    Problems problems;
    std::set<std::string> known;  ///< every key that was asked for, as "service.socket"
};

/// The part of the file that is read, and who suffers from problems in it.
struct Section {
    std::string name;   ///< "service", "pool.math": what stands between the brackets
    std::string label;  ///< "service", "pool math": what messages start with
    Scope scope = Scope::file;
    std::string pool = {};
};

/// A word that a setting may be, and what it means.
template <class T>
using Choice = std::pair<std::string_view, T>;

class Reader {
   public:
    /// Reads `table`, which may be null: then nothing is there. All three must outlive the reader.
    Reader(Reading& reading, const Section& section, const Table* table, std::string prefix = {});

    void flag(std::string_view key, bool& value);
    /// This and `duration` return whether the key is there and good.
    template <std::unsigned_integral T>
    bool count(std::string_view key, T& value, const Bound& bound) {
        const auto read = number(key, bound);
        if (read) value = static_cast<T>(*read);
        return read.has_value();
    }
    /// A number from 0 to 1.
    void fraction(std::string_view key, double& value);
    bool duration(std::string_view key, milliseconds& value, const Span& span);
    void size(std::string_view key, std::uint64_t& value, const Bound& bound);
    /// A text that is not empty.
    void text(std::string_view key, std::string& value);
    /// A path, made absolute.
    void path(std::string_view key, std::filesystem::path& value);
    void list(std::string_view key, std::vector<std::string>& value);
    template <class T>
    void choice(std::string_view key, T& value, std::span<const Choice<T>> choices) {
        std::vector<std::string_view> words;
        for (const auto& [word, meaning] : choices) words.push_back(word);
        if (const auto index = word_index(key, words)) value = choices[*index].second;
    }
    /// A list of such words, each at most once; in the order in which they stand.
    template <class T>
    void choices(std::string_view key, std::vector<T>& values, std::span<const Choice<T>> choices) {
        std::vector<std::string_view> words;
        for (const auto& [word, meaning] : choices) words.push_back(word);
        const auto indices = word_indices(key, words);
        if (!indices) return;
        values.clear();
        for (const std::size_t index : *indices) values.push_back(choices[index].second);
    }
    /// A table of its own, which `read` reads. It is called without the table too, and then finds nothing in it.
    void table(std::string_view key, const std::function<void(Reader&)>& read);
    /// Tables below `key` whose names are the operator's own; each is read by `read`, with its name and where that
    /// stands.
    void tables(std::string_view key, std::string_view example,
                const std::function<void(Reader&, const std::string&, Place)>& read);
    /// A key that is known and does not belong here: where it does.
    void elsewhere(std::string_view key, const std::string& where);
    /// A table whose keys are the operator's own.
    [[nodiscard]] const Table* free_table(std::string_view key, std::string_view example);

    /// The value of a key for which no function above is right.
    [[nodiscard]] const Node* take(std::string_view key);
    /// Says that `key` is wrong. `what` goes on after the key: "is negative".
    void wrong(std::string_view key, Place place, const std::string& what, const std::string& hint = {});
    /// Says that `node` is of a type that `key` cannot have. `example` is the value as it is written in a file.
    void wrong_type(std::string_view key, const Node& node, std::string_view wanted, std::string_view example);
    /// Says what is wrong with the section, in whole sentences.
    void problem(Place place, const std::string& what, const std::string& hint = {});
    /// Absolute and without "..": what `text` means in this file. Nothing, and a problem, if it cannot be a path.
    [[nodiscard]] std::optional<std::filesystem::path> resolved(std::string_view key, Place place,
                                                                const std::string& text);
    /// Reports the keys that nobody took. Call it last.
    void finish();

   private:
    [[nodiscard]] std::optional<std::uint64_t> number(std::string_view key, const Bound& bound);
    [[nodiscard]] std::optional<std::size_t> word_index(std::string_view key, std::span<const std::string_view> words);
    [[nodiscard]] std::optional<std::vector<std::size_t>> word_indices(std::string_view key,
                                                                       std::span<const std::string_view> words);
    [[nodiscard]] std::string name_of(std::string_view key) const { return prefix_ + std::string{key}; }

    Reading& reading_;
    const Section& section_;
    const Table* table_;
    std::string prefix_;  ///< of the keys: "restart.backoff."
    std::vector<std::string> known_;
};

}  // namespace caisson::settings
