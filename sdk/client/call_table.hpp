// SPDX-License-Identifier: Apache-2.0
/// The calls and batches of a session that have not ended, by number: no allocation per call, and one step to find one.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "wire/frame.hpp"

namespace caisson::client {

using wire::ItemRange;

/// What is known of a call or batch until it ends.
struct OpenCall {
    std::uint64_t id = 0;     ///< 0: the place is free
    std::uint32_t items = 1;  ///< of a batch; a call is one item
    std::uint32_t left = 1;   ///< items that have not ended
    bool batch = false;
    bool stream = false;
    std::vector<bool> ended = {};  ///< of a batch: by item

    /// Marks items as ended. False, and nothing is marked, if there are none such or one of them had ended before.
    [[nodiscard]] bool end(ItemRange range) {
        if (range.count == 0 || range.count > left || range.first >= items || range.count > items - range.first)
            return false;
        if (batch) {
            const auto begin = ended.begin() + range.first;
            const auto end = begin + range.count;
            if (std::find(begin, end, true) != end) return false;
            std::fill(begin, end, true);
        }
        left -= range.count;
        return true;
    }

    /// The items that have not ended, as ranges in their order.
    [[nodiscard]] std::vector<ItemRange> open_ranges() const {
        if (!batch) return {ItemRange{}};
        std::vector<ItemRange> ranges;
        for (std::uint32_t item = 0; item < items; ++item) {
            if (ended[item]) continue;
            if (ranges.empty() || ranges.back().first + ranges.back().count != item)
                ranges.push_back({.first = item, .count = 0});
            ++ranges.back().count;
        }
        return ranges;
    }
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
        ++outstanding_;
        OpenCall& call = place(last_id_);
        call.id = last_id_;
        return call;
    }

    /// A new batch.
    OpenCall& add(std::uint32_t items) {
        OpenCall& call = add();
        call.items = call.left = items;
        call.batch = true;
        call.ended.resize(items);
        outstanding_ += items - 1;
        return call;
    }

    [[nodiscard]] OpenCall* find(std::uint64_t id) {
        OpenCall& call = place(id);
        return id != 0 && call.id == id ? &call : nullptr;
    }

    /// Marks items as ended, and removes a call none of whose items is left: `call` is then gone. False if they cannot
    /// have ended.
    [[nodiscard]] bool end(OpenCall& call, ItemRange range) {
        if (!call.end(range)) return false;
        outstanding_ -= range.count;
        if (call.left == 0) remove(call);
        return true;
    }

    /// A number for something that is not a call but shares the numbers.
    [[nodiscard]] std::uint64_t take_id() { return ++last_id_; }
    /// Items that have not ended.
    [[nodiscard]] std::size_t outstanding() const { return outstanding_; }

    /// Removes all; in the order in which the numbers were given.
    [[nodiscard]] std::vector<OpenCall> drain() {
        std::vector<OpenCall> calls;
        calls.reserve(used_);
        for (auto& call : places_)
            if (call.id != 0) calls.push_back(std::exchange(call, OpenCall{}));
        used_ = outstanding_ = 0;
        std::ranges::sort(calls, {}, &OpenCall::id);
        return calls;
    }

   private:
    OpenCall& place(std::uint64_t id) { return places_[id & (places_.size() - 1)]; }

    void remove(OpenCall& call) {
        call = OpenCall{};
        --used_;
    }

    // Numbers that differ modulo the size differ modulo twice the size as well, so nothing collides.
    void grow() {
        std::vector<OpenCall> old(places_.size() * 2);
        old.swap(places_);
        for (auto& call : old)
            if (call.id != 0) place(call.id) = std::move(call);
    }

    std::vector<OpenCall> places_;
    std::size_t used_ = 0;         // places
    std::size_t outstanding_ = 0;  // items
    std::uint64_t last_id_ = 0;
};

}  // namespace caisson::client
