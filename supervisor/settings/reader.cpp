// SPDX-License-Identifier: Apache-2.0
#include "settings/reader.hpp"

#include <algorithm>
#include <cmath>

#include "base/suggest.hpp"
#include "base/text.hpp"
#include "base/units.hpp"

namespace caisson::settings {
namespace {

/// Known keys that an unknown one's hint lists when none is near.
constexpr std::size_t max_listed_keys = 20;

std::string range_of(std::string_view min, std::string_view max, bool or_zero) {
    return cat(or_zero ? "0, or " : "", "from ", min, " to ", max);
}

/// `is 100000, above its bound of 1024`.
std::string beyond(std::string_view found, bool above, std::string_view min, std::string_view max) {
    return above ? cat("is ", found, ", above its bound of ", max) : cat("is ", found, ", below its bound of ", min);
}

std::string reasoned(std::string_view reason, std::string_view range) {
    return cat("allowed is ", range, ": ", reason);
}

std::string joined(std::span<const std::string> words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// `"refuse" or "wait"`.
std::string listed(std::span<const std::string_view> words, std::string_view before_last) {
    std::string all;
    for (std::size_t index = 0; index < words.size(); ++index)
        all += cat(index == 0 ? "" : index + 1 == words.size() ? before_last : ", ", '"', words[index], '"');
    return all;
}

}  // namespace

Reader::Reader(Reading& reading, const Section& section, const Table* table, std::string prefix)
    : reading_(reading), section_(section), table_(table), prefix_(std::move(prefix)) {}

const Node* Reader::take(std::string_view key) {
    known_.emplace_back(key);
    reading_.known.insert(cat(section_.name, '.', name_of(key)));
    const Member* member = table_ ? table_->find(key) : nullptr;
    return member ? &member->value : nullptr;
}

void Reader::problem(Place place, const std::string& what, const std::string& hint) {
    reading_.problems.push_back(
        {reading_.file, place, section_.scope, section_.pool, cat(section_.label, ": ", what), hint});
}

void Reader::wrong(std::string_view key, Place place, const std::string& what, const std::string& hint) {
    problem(place, cat(printable(name_of(key)), ' ', what), hint);
}

void Reader::wrong_type(std::string_view key, const Node& node, std::string_view wanted, std::string_view example) {
    wrong(key, node.place, cat("is ", describe(node), ", but must be ", wanted),
          cat("for example ", key, " = ", example));
}

void Reader::flag(std::string_view key, bool& value) {
    const Node* node = take(key);
    if (!node) return;
    if (const auto* read = node->as<bool>())
        value = *read;
    else
        wrong_type(key, *node, "true or false", "true");
}

std::optional<std::uint64_t> Reader::number(std::string_view key, const Bound& bound) {
    const Node* node = take(key);
    if (!node) return std::nullopt;
    const std::string min = std::to_string(bound.min);
    const std::string max = std::to_string(bound.max);
    const std::string range = range_of(min, max, bound.or_zero);
    const auto* read = node->as<std::int64_t>();
    if (!read) {
        wrong_type(key, *node, cat("a whole number, ", range), min);
    } else if (*read < 0) {
        wrong(key, node->place, cat("is negative, ", *read), reasoned(bound.reason, range));
    } else if (const auto amount = static_cast<std::uint64_t>(*read); bound.allows(amount)) {
        return amount;
    } else {
        wrong(key, node->place, beyond(std::to_string(amount), amount > bound.max, min, max),
              reasoned(bound.reason, range));
    }
    return std::nullopt;
}

void Reader::fraction(std::string_view key, double& value) {
    const Node* node = take(key);
    if (!node) return;
    double read = 0;
    if (const auto* real = node->as<double>())
        read = *real;
    else if (const auto* whole = node->as<std::int64_t>())
        read = static_cast<double>(*whole);
    else
        return wrong_type(key, *node, "a number from 0 to 1", "0.2");
    // The comparison is false for nan, too.
    if (read >= 0 && read <= 1)
        value = read;
    else
        wrong(key, node->place, cat("is ", describe(*node), ", but must be from 0 to 1"),
              cat("for example ", key, " = 0.2"));
}

bool Reader::duration(std::string_view key, milliseconds& value, const Span& span) {
    const Node* node = take(key);
    if (!node) return false;
    const std::string min = format_duration(span.min);
    const std::string max = format_duration(span.max);
    const auto* number = node->as<std::int64_t>();
    const auto* text = node->as<std::string>();
    if (!text && (!number || *number != 0))
        return wrong_type(key, *node, "a text with a unit",
                          number && *number > 0 ? cat('"', *number, "s\"") : "\"30s\""),
               false;
    const auto read = parse_duration(text ? *text : "0");
    if (!read) return wrong(key, node->place, cat("is no duration: ", read.error().what), read.error().hint), false;
    if (!span.allows(*read))
        return wrong(key, node->place, beyond(format_duration(*read), *read > span.max, min, max),
                     reasoned(span.reason, range_of(min, max, span.or_zero))),
               false;
    value = *read;
    return true;
}

void Reader::size(std::string_view key, std::uint64_t& value, const Bound& bound) {
    const Node* node = take(key);
    if (!node) return;
    const std::string min = format_size(bound.min);
    const std::string max = format_size(bound.max);
    const auto* number = node->as<std::int64_t>();
    const auto* text = node->as<std::string>();
    if (!text && (!number || *number != 0)) return wrong_type(key, *node, "a text with a unit", "\"64MiB\"");
    const auto read = parse_size(text ? *text : "0");
    if (!read) return wrong(key, node->place, cat("is no size: ", read.error().what), read.error().hint);
    if (!bound.allows(*read))
        return wrong(key, node->place, beyond(format_size(*read), *read > bound.max, min, max),
                     reasoned(bound.reason, range_of(min, max, bound.or_zero)));
    value = *read;
}

void Reader::text(std::string_view key, std::string& value) {
    const Node* node = take(key);
    if (!node) return;
    const auto* read = node->as<std::string>();
    if (!read) return wrong_type(key, *node, "a text", "\"…\"");
    if (read->empty()) return wrong(key, node->place, "is empty", "leave the key out for the default");
    if (read->find('\0') != std::string::npos) return wrong(key, node->place, "has a zero byte in it");
    value = *read;
}

void Reader::path(std::string_view key, std::filesystem::path& value) {
    const Node* node = take(key);
    if (!node) return;
    const auto* read = node->as<std::string>();
    if (!read) return wrong_type(key, *node, "a path", "\"/some/path\"");
    if (auto path = resolved(key, node->place, *read)) value = std::move(*path);
}

std::optional<std::filesystem::path> Reader::resolved(std::string_view key, Place place, const std::string& text) {
    if (text.empty()) {
        wrong(key, place, "is empty", "leave the key out for the default");
    } else if (text.find('\0') != std::string::npos) {
        wrong(key, place, "has a zero byte in it");
    } else if (text.starts_with("~") || text.starts_with("$")) {
        wrong(key, place, cat("is ", in_quotes(text), ", but only a shell expands that"), "write the whole path");
    } else {
        auto path = (reading_.base_dir / text).lexically_normal();
        // "plugins/" and "plugins" are one folder.
        if (!path.has_filename() && path.has_relative_path()) path = path.parent_path();
        if (path.native().size() <= bounds::path_bytes) return path;
        wrong(key, place, cat("has ", path.native().size(), " bytes, above a path's bound of ", bounds::path_bytes));
    }
    return std::nullopt;
}

void Reader::list(std::string_view key, std::vector<std::string>& value) {
    const Node* node = take(key);
    if (!node) return;
    const auto* array = node->as<Array>();
    if (!array) return wrong_type(key, *node, "an array of names", R"(["alice", "@staff"])");
    if (array->size() > bounds::access_entries)
        return wrong(key, node->place,
                     cat("has ", array->size(), " entries, above its bound of ", bounds::access_entries),
                     "name a group");
    std::vector<std::string> entries;
    for (const Node& item : *array) {
        const auto* entry = item.as<std::string>();
        if (!entry) {
            wrong(key, item.place, cat("has ", describe(item), " in it, but names are texts"),
                  cat("for example ", key, R"( = ["alice", "@staff"])"));
        } else if (const auto fault = access_entry_fault(*entry)) {
            wrong(key, item.place, cat("has an entry that cannot be: ", fault->what), fault->hint);
        } else {
            entries.push_back(*entry);
        }
    }
    value = std::move(entries);
}

std::optional<std::size_t> Reader::word_index(std::string_view key, std::span<const std::string_view> words) {
    const Node* node = take(key);
    if (!node) return std::nullopt;
    const std::string all = listed(words, " or ");
    const auto* read = node->as<std::string>();
    if (!read) {
        wrong_type(key, *node, all, in_quotes(words.front()));
        return std::nullopt;
    }
    const auto found = std::ranges::find(words, *read);
    if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
    const auto meant = nearest(*read, words);
    wrong(key, node->place, cat("is ", in_quotes(*read), ", but must be ", all),
          meant ? cat("did you mean \"", *meant, "\"?") : std::string{});
    return std::nullopt;
}

std::optional<std::vector<std::size_t>> Reader::word_indices(std::string_view key,
                                                             std::span<const std::string_view> words) {
    const Node* node = take(key);
    if (!node) return std::nullopt;
    const std::string example = cat('[', in_quotes(words.front()), ']');
    const auto* array = node->as<Array>();
    if (!array) return wrong_type(key, *node, cat("an array of ", listed(words, " and ")), example), std::nullopt;
    std::vector<std::size_t> indices;
    bool good = true;
    const auto refuse = [&](const Node& item, const std::string& what, const std::string& hint) {
        wrong(key, item.place, what, hint);
        good = false;
    };
    for (const Node& item : *array) {
        const auto* word = item.as<std::string>();
        const auto found = word ? std::ranges::find(words, *word) : words.end();
        const auto index = static_cast<std::size_t>(found - words.begin());
        if (found == words.end()) {
            const auto meant = word ? nearest(*word, words) : std::nullopt;
            refuse(item, cat("has ", describe(item), " in it, but there are ", listed(words, " and ")),
                   meant ? cat("did you mean \"", *meant, "\"?") : cat("for example ", key, " = ", example));
        } else if (std::ranges::find(indices, index) != indices.end()) {
            refuse(item, cat("has ", in_quotes(*word), " in it twice"), "remove one of the two");
        } else {
            indices.push_back(index);
        }
    }
    return good ? std::optional{std::move(indices)} : std::nullopt;
}

void Reader::table(std::string_view key, const std::function<void(Reader&)>& read) {
    const Node* node = take(key);
    const auto* nested = node ? node->as<Table>() : nullptr;
    if (node && !nested)
        wrong(key, node->place, cat("is ", describe(*node), ", but must be a table"),
              cat("for example [", section_.name, '.', name_of(key), ']'));
    Reader reader{reading_, section_, nested, name_of(key) + '.'};
    read(reader);
    reader.finish();
}

void Reader::tables(std::string_view key, std::string_view example,
                    const std::function<void(Reader&, const std::string&, Place)>& read) {
    const Table* all = free_table(key, example);
    if (!all) return;
    for (const Member& member : all->members) {
        const std::string name = cat(key, '.', member.key);
        reading_.known.insert(cat(section_.name, '.', name_of(name)));
        const auto* nested = member.value.as<Table>();
        if (!nested)
            wrong(name, member.value.place, cat("is ", describe(member.value), ", but must be a table"),
                  cat("for example ", key, " = ", example));
        Reader reader{reading_, section_, nested, name_of(name) + '.'};
        read(reader, member.key, member.place);
        reader.finish();
    }
}

void Reader::elsewhere(std::string_view key, const std::string& where) {
    known_.emplace_back(key);
    if (const Member* member = table_ ? table_->find(key) : nullptr)
        wrong(key, member->place, "does not belong here", where);
}

const Table* Reader::free_table(std::string_view key, std::string_view example) {
    const Node* node = take(key);
    if (!node) return nullptr;
    const auto* nested = node->as<Table>();
    if (!nested) wrong_type(key, *node, "a table", example);
    return nested;
}

void Reader::finish() {
    if (!table_) return;
    std::ranges::sort(known_);
    for (const Member& member : table_->members) {
        if (std::ranges::find(known_, member.key) != known_.end()) continue;
        const auto meant = nearest(member.key, known_);
        std::string hint;
        if (meant)
            hint = cat("did you mean \"", name_of(*meant), "\"?");
        else if (known_.size() <= max_listed_keys)
            hint = cat("there are ", joined(known_));
        problem(member.place, cat("unknown key ", in_quotes(name_of(member.key))), hint);
    }
}

}  // namespace caisson::settings
