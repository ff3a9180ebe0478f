// SPDX-License-Identifier: Apache-2.0
#include "dispatch/poison.hpp"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "wire/codec.hpp"

namespace caisson::dispatch {

using nlohmann::json;

std::size_t PoisonTable::shape_of(std::string_view method, std::size_t input_bytes) {
    return std::hash<std::string_view>{}(method) ^ (input_bytes * 0x9E37'79B9'7F4A'7C15U);
}

Digest PoisonTable::digest(const PoisonInput& input) const {
    return digest_of(
        secret_, {wire::bytes_of(input.pool), wire::bytes_of(input.method), wire::bytes_of(input.params), input.body});
}

const PoisonTable::Entry* PoisonTable::refuses(const PoisonInput& input) const {
    if (!may_know(input.method, input.params.size() + input.body.size())) return nullptr;
    const auto found = entries_.find(digest(input));
    return found != entries_.end() && found->second.poison ? &found->second : nullptr;
}

bool PoisonTable::would_be(const PoisonInput& input, TimePoint now, const settings::Poison& rules) const {
    if (rules.crashes == 0) return false;
    if (rules.crashes == 1) return true;
    if (!may_know(input.method, input.params.size() + input.body.size())) return false;
    const auto found = entries_.find(digest(input));
    if (found == entries_.end()) return false;
    const auto& stamps = found->second.crashes;
    const auto recent = std::ranges::count_if(stamps, [&](TimePoint at) { return now - at <= rules.window; });
    return std::cmp_greater_equal(recent + 1, rules.crashes);
}

const PoisonTable::Entry& PoisonTable::note_crash(const PoisonInput& input, TimePoint now,
                                                  const settings::Poison& rules, std::string report,
                                                  std::string wall_time) {
    const auto name = digest(input);
    auto found = entries_.find(name);
    if (found == entries_.end()) {
        make_room();
        const std::uint64_t input_bytes = input.params.size() + input.body.size();
        found = entries_
                    .emplace(name, Entry{.id = name.text(),
                                         .pool = std::string{input.pool},
                                         .method = std::string{input.method},
                                         .input_bytes = input_bytes,
                                         .crashes = {},
                                         .killed = 0,
                                         .report = {},
                                         .since = {},
                                         .poison = false})
                    .first;
        shapes_.emplace(shape_of(input.method, input_bytes), char{});
    }
    auto& entry = found->second;
    std::erase_if(entry.crashes, [&](TimePoint at) { return now - at > rules.window; });
    entry.crashes.push_back(now);
    ++entry.killed;
    entry.report = std::move(report);
    entry.since = std::move(wall_time);
    if (rules.crashes > 0 && entry.crashes.size() >= rules.crashes) entry.poison = true;
    return entry;
}

void PoisonTable::make_room() {
    if (entries_.size() < limits::poison_entries) return;
    // Watched before refused, and the one whose last crash is longest ago.
    const auto age = [](const auto& entry) { return std::pair{entry.second.poison, entry.second.crashes.back()}; };
    erase(std::ranges::min_element(entries_, {}, age));
}

void PoisonTable::erase(Entries::const_iterator entry) {
    shapes_.erase(shapes_.find(shape_of(entry->second.method, entry->second.input_bytes)));
    entries_.erase(entry);
}

json PoisonTable::list() const {
    auto list = json::array();
    for (const auto& [name, entry] : entries_)
        if (entry.poison)
            list.push_back({{"id", entry.id},
                            {"pool", entry.pool},
                            {"method", entry.method},
                            {"crashes", entry.killed},
                            {"input_bytes", entry.input_bytes},
                            {"since", entry.since},
                            {"report", entry.report}});
    std::sort(list.begin(), list.end(), [](const json& a, const json& b) { return a["since"] > b["since"]; });
    return list;
}

json PoisonTable::save() const {
    auto entries = json::array();
    for (const auto& [name, entry] : entries_) {
        auto stamps = json::array();
        for (const auto at : entry.crashes) stamps.push_back(at.time_since_epoch().count());
        entries.push_back({{"name", {name.high, name.low}},
                           {"pool", entry.pool},
                           {"method", entry.method},
                           {"input_bytes", entry.input_bytes},
                           {"crashes", std::move(stamps)},
                           {"killed", entry.killed},
                           {"report", entry.report},
                           {"since", entry.since},
                           {"poison", entry.poison}});
    }
    return {{"secret", secret_}, {"entries", std::move(entries)}};
}

void PoisonTable::load(const json& saved) {
    if (!saved.is_object() || !saved.contains("secret") || !saved.contains("entries")) return;
    try {
        auto table = PoisonTable{saved.at("secret").get<std::uint64_t>()};
        for (const auto& entry : saved.at("entries")) {
            if (table.entries_.size() == limits::poison_entries) break;
            const Digest name{entry.at("name").at(0).get<std::uint64_t>(), entry.at("name").at(1).get<std::uint64_t>()};
            Entry read{.id = name.text(),
                       .pool = entry.at("pool").get<std::string>(),
                       .method = entry.at("method").get<std::string>(),
                       .input_bytes = entry.at("input_bytes").get<std::uint64_t>(),
                       .crashes = {},
                       .killed = entry.at("killed").get<std::uint32_t>(),
                       .report = entry.at("report").get<std::string>(),
                       .since = entry.at("since").get<std::string>(),
                       .poison = entry.at("poison").get<bool>()};
            for (const auto& stamp : entry.at("crashes"))
                read.crashes.emplace_back(Duration{stamp.get<Duration::rep>()});
            if (read.crashes.empty()) continue;  // it would have no age
            const auto shape = shape_of(read.method, read.input_bytes);
            if (table.entries_.emplace(name, std::move(read)).second) table.shapes_.emplace(shape, char{});
        }
        *this = std::move(table);
    } catch (const json::exception&) {
        return;
    }
}

std::size_t PoisonTable::clear(std::string_view id, std::string_view pool) {
    std::size_t cleared = 0;
    for (auto entry = entries_.cbegin(); entry != entries_.cend();) {
        const auto& [name, what] = *entry;
        const auto here = entry++;
        if (!what.poison || !what.id.starts_with(id) || (!pool.empty() && what.pool != pool)) continue;
        erase(here);
        ++cleared;
    }
    return cleared;
}

}  // namespace caisson::dispatch
