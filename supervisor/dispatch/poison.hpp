// SPDX-License-Identifier: Apache-2.0
/// Inputs that kill workers: counted by method and input, and refused once they have killed too many. Pure.
///
/// An entry is watched from its first crash, and poison from the crash that reaches `poison.crashes` within
/// `poison.window`; then it stays until somebody clears it. The table is bounded: the oldest watched entry makes room.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "settings/settings.hpp"

namespace caisson::dispatch {

/// One input of one method.
struct PoisonInput {
    std::string_view pool;
    std::string_view method;
    std::string_view params;
    std::span<const std::byte> body;
};

class PoisonTable {
   public:
    explicit PoisonTable(std::uint64_t secret) : secret_(secret) {}

    struct Entry {
        std::string id;
        std::string pool;
        std::string method;
        std::uint64_t input_bytes = 0;
        std::deque<TimePoint> crashes;  // within the window
        std::uint32_t killed = 0;       // in all
        std::string report;             // of the last crash
        std::string since;              // its time, for people
        bool poison = false;
    };

    /// True if an input like this can be in the table; cheap, and false for nearly everything.
    [[nodiscard]] bool may_know(std::string_view method, std::size_t input_bytes) const {
        return !entries_.empty() && shapes_.contains(shape_of(method, input_bytes));
    }
    /// The entry that forbids this input, or null.
    [[nodiscard]] const Entry* refuses(const PoisonInput& input) const;
    /// Whether one more crash now would make it poison.
    [[nodiscard]] bool would_be(const PoisonInput& input, TimePoint now, const settings::Poison& rules) const;
    /// It killed a worker. Returns the entry; `poison` says whether it is refused from now on.
    const Entry& note_crash(const PoisonInput& input, TimePoint now, const settings::Poison& rules, std::string report,
                            std::string wall_time);

    /// What is refused now, as JSON.
    [[nodiscard]] nlohmann::json list() const;
    /// Forgets what is refused: by a prefix of its id, of one pool, or all (both empty). How many.
    std::size_t clear(std::string_view id, std::string_view pool);
    /// All of it, for a table in another process of this machine and boot; and what one has saved, in place of all that
    /// is here. What is no such document is left out.
    [[nodiscard]] nlohmann::json save() const;
    void load(const nlohmann::json& saved);
    [[nodiscard]] std::size_t size() const { return entries_.size(); }

   private:
    using Entries = std::unordered_map<Digest, Entry, DigestHash>;

    [[nodiscard]] static std::size_t shape_of(std::string_view method, std::size_t input_bytes);
    [[nodiscard]] Digest digest(const PoisonInput& input) const;
    void make_room();
    void erase(Entries::const_iterator entry);

    std::uint64_t secret_;
    Entries entries_;
    std::unordered_multimap<std::size_t, char> shapes_;  // of all entries
};

}  // namespace caisson::dispatch
