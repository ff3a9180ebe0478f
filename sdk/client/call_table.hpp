// SPDX-License-Identifier: Apache-2.0
/// The calls of a session that have not ended, by number: no allocation per call, and one step to find one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace caisson::client {

/// What is known of a call until it ends.
struct OpenCall {
    std::uint64_t id = 0;  ///< 0: the place is free
    bool stream = false;
    bool overflowed = false;  ///< its output went over the bound and was dropped
    std::string output;       ///< collected so far
};

/// A call's place is its number modulo the size, a power of two. The table chooses the numbers: they count up, and
/// skip those whose place is taken. At most half of the places are in use, so a free one is near.
class CallTable {
   public:
    CallTable() : places_(64) {}

    /// A new call, with the next free number.
    OpenCall& add() {
        if (used_ * 2 >= places_.size()) grow();
        do ++last_id_;
        while (place(last_id_).id != 0);
        ++used_;
        OpenCall& call = place(last_id_);
        call.id = last_id_;
        return call;
    }

    [[nodiscard]] OpenCall* find(std::uint64_t id) {
        OpenCall& call = place(id);
        return id != 0 && call.id == id ? &call : nullptr;
    }

    void remove(OpenCall& call) {
        call = OpenCall{};
        --used_;
    }

    /// A number for something that is not a call but shares the numbers.
    [[nodiscard]] std::uint64_t take_id() { return ++last_id_; }
    [[nodiscard]] std::size_t size() const { return used_; }

    /// Removes all; the numbers in the order in which they were given.
    [[nodiscard]] std::vector<std::uint64_t> drain() {
        std::vector<std::uint64_t> ids;
        ids.reserve(used_);
        for (auto& call : places_) {
            if (call.id == 0) continue;
            ids.push_back(call.id);
            remove(call);
        }
        std::ranges::sort(ids);
        return ids;
    }

   private:
    OpenCall& place(std::uint64_t id) { return places_[id & (places_.size() - 1)]; }

    // Numbers that differ modulo the size differ modulo twice the size as well, so nothing collides.
    void grow() {
        std::vector<OpenCall> old(places_.size() * 2);
        old.swap(places_);
        for (auto& call : old)
            if (call.id != 0) place(call.id) = std::move(call);
    }

    std::vector<OpenCall> places_;
    std::size_t used_ = 0;
    std::uint64_t last_id_ = 0;
};

}  // namespace caisson::client
