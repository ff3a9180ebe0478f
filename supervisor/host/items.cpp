// SPDX-License-Identifier: Apache-2.0
#include "host/items.hpp"

#include <stdio_ext.h>

#include <algorithm>
#include <cstdio>

#include "base/clock.hpp"
#include "host/claim.hpp"

namespace caisson::host {
namespace {

/// The clock is looked at after as many items as take about this long: a look costs as much as a tiny item.
constexpr std::int64_t look_interval_ns = 10'000;
constexpr std::uint32_t look_every_max = 256;

}  // namespace

Items::Items(wire::BlackBox& box, CurrentCall& current, const Incoming& first, wire::RecordReader& records)
    : box_(box),
      current_(current),
      records_(records),
      table_{.size = sizeof table_,
             .method = first.method,
             .encoding = static_cast<std::uint32_t>(first.encoding),
             .attempt = first.attempt,
             .params = {first.params.empty() ? nullptr : first.params.data(), first.params.size()},
             .context = this,
             .begin = [](void* self, caisson_view* body) { return static_cast<Items*>(self)->begin(*body) ? 1 : 0; },
             .answer =
                 [](void* self, std::uint32_t encoding, const void* data, std::size_t size) {
                     const auto* const bytes = static_cast<const std::byte*>(data);
                     static_cast<Items*>(self)->answer(encoding, {bytes, bytes == nullptr ? 0 : size});
                 },
             .fail =
                 [](void* self, caisson_status status, const char* message, std::size_t size) {
                     static_cast<Items*>(self)->fail(status, {message, message == nullptr ? 0 : size});
                 },
             .cancelled = [](void* self) { return static_cast<Items*>(self)->cancelled() ? 1 : 0; }},
      id_(first.id),
      deadline_ns_(first.deadline_ns),
      looked_ns_(to_ns(Clock::now())) {
    current_.begin_items(looked_ns_);
}

bool Items::begin(caisson_view& body) {
    if (begun_) fail(CAISSON_INTERNAL, "the plugin began the next item and had not ended this one");
    while (!records_.at_end() && !taken_back_) {
        if (!claim_call(box_.claim, id_)) {
            taken_back_ = true;
            return false;
        }
        const auto record = *records_.next();  // the batch was looked through when it came
        box_.running.store(id_, std::memory_order_release);
        if (--until_look_ == 0) look_at_clock();
        const bool cancelled = box_.cancel_sequence.load(std::memory_order_acquire) == id_;
        if (!late_ && !cancelled) [[likely]] {
            body = {record.data(), record.size()};
            begun_ = true;
            return true;
        }
        current_.answer_unstarted(id_++, CAISSON_CANCELLED,
                                  late_ ? "deadline passed before start" : "cancelled before start");
    }
    return false;
}

bool Items::cancelled() {
    if (!begun_ || box_.stopping.load(std::memory_order_acquire) != 0) return true;
    if (box_.cancel_sequence.load(std::memory_order_acquire) == id_) return true;
    late_ |= deadline_ns_ != 0 && to_ns(Clock::now()) >= deadline_ns_;  // the next ones must not begin
    return late_;
}

void Items::look_at_clock() {
    const auto now_ns = to_ns(Clock::now());
    const auto took_ns = std::max<std::int64_t>(now_ns - looked_ns_, 0);
    const auto fits = look_interval_ns * look_every_ / std::max<std::int64_t>(took_ns, 1);
    look_every_ = static_cast<std::uint32_t>(
        std::clamp<std::int64_t>(fits, 1, std::min<std::int64_t>(std::int64_t{look_every_} * 2, look_every_max)));
    until_look_ = look_every_;
    untold_ns_ += took_ns;
    looked_ns_ = now_ns;
    box_.started_ns.store(now_ns, std::memory_order_relaxed);
    late_ = deadline_ns_ != 0 && now_ns >= deadline_ns_;
}

void Items::answer(std::uint32_t encoding, std::span<const std::byte> output) {
    if (!begun_) return;
    begun_ = false;
    // While the item still counts as running: its lines belong to it.
    if (__fpending(stdout) > 0) std::fflush(stdout);
    const auto means = encoding > CAISSON_PACKED ? wire::Encoding::bytes : static_cast<wire::Encoding>(encoding);
    current_.answer_item(id_++, means, output, untold_ns_);
    untold_ns_ = 0;
}

void Items::fail(caisson_status status, std::string_view message) {
    if (!begun_) return;
    begun_ = false;
    std::fflush(stdout);
    const auto number = static_cast<int>(status);
    const bool known = number > CAISSON_OK && number <= CAISSON_INTERNAL;
    current_.fail_item(id_++, known ? status : CAISSON_INTERNAL, message, untold_ns_);
    untold_ns_ = 0;
}

void Items::settle(std::string_view broke) {
    if (begun_) fail(CAISSON_INTERNAL, broke.empty() ? "the plugin returned and had not ended this item" : broke);
    look_at_clock();
    current_.end_items(untold_ns_);
    untold_ns_ = 0;
}

}  // namespace caisson::host
