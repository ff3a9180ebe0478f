// SPDX-License-Identifier: Apache-2.0
/// The items of a batch as a plugin takes them through caisson.items/1: one crossing of the boundary for all of them, a
/// claim for each, and the results of those that are ok in one run.
///
/// The clock is not read for each item, but often enough that a deadline is seen within some microseconds, or after the
/// item that was under way.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <caisson/ext/items.h>
#include "host/current_call.hpp"
#include "wire/black_box.hpp"
#include "wire/records.hpp"

namespace caisson::host {

class Items {
   public:
    /// `first` says what is true of all items, and is the first of them; `records` are their bodies.
    Items(wire::BlackBox& box, CurrentCall& current, const Incoming& first, wire::RecordReader& records);
    Items(const Items&) = delete;
    Items& operator=(const Items&) = delete;

    /// For the plugin.
    [[nodiscard]] const caisson_items& table() const { return table_; }

    /// The plugin has returned, or broke the contract: what it had begun has failed.
    void settle(std::string_view broke);
    /// Of the item after those that were begun.
    [[nodiscard]] std::uint64_t next_id() const { return id_; }
    /// True if the items that are left are not this worker's any more.
    [[nodiscard]] bool taken_back() const { return taken_back_; }

   private:
    [[nodiscard]] bool begin(caisson_view& body);
    void answer(std::uint32_t encoding, std::span<const std::byte> output);
    void fail(caisson_status status, std::string_view message);
    [[nodiscard]] bool cancelled();
    void look_at_clock();

    wire::BlackBox& box_;
    CurrentCall& current_;
    wire::RecordReader& records_;
    caisson_items table_;
    std::uint64_t id_;
    std::int64_t deadline_ns_;
    std::int64_t looked_ns_;
    std::int64_t untold_ns_ = 0;  // run time that no result has carried yet
    std::uint32_t look_every_ = 1;
    std::uint32_t until_look_ = 1;
    bool begun_ = false;
    bool late_ = false;
    bool taken_back_ = false;
};

}  // namespace caisson::host
