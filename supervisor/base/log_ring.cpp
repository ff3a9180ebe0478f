// SPDX-License-Identifier: Apache-2.0
#include "base/log_ring.hpp"

#include <algorithm>
#include <utility>

namespace caisson {
namespace {

bool fits(const LogRecord& record, const LogRing::Wish& wish) {
    return (!wish.events_only || !record.event.empty()) && (wish.pool.empty() || record.pool == wish.pool);
}

}  // namespace

std::string_view word(LogLevel level) {
    constexpr std::string_view words[] = {"trace", "debug", "info", "warning", "error", "off"};
    return words[static_cast<std::size_t>(level)];
}

std::size_t LogRecord::bytes() const {
    return sizeof *this + time.size() + event.size() + pool.size() + message.size() + fields.size();
}

const LogRecord& LogRing::add(LogRecord record) {
    record.sequence = ++newest_;
    bytes_ += record.bytes();
    records_.push_back(std::move(record));
    while (records_.size() > 1 && (records_.size() > max_records_ || bytes_ > max_bytes_)) {
        bytes_ -= records_.front().bytes();
        records_.pop_front();
    }
    return records_.back();
}

LogRing::Found LogRing::after(std::uint64_t sequence, const Wish& wish) const {
    // Who has heard of more than there is asks about an earlier life of the service: for him all is new.
    if (sequence > newest_) sequence = 0;
    Found found{.records = {}, .next = sequence, .lost = 0};
    if (records_.empty()) return found;
    const auto first = records_.front().sequence;
    if (sequence + 1 < first) found.lost = first - 1 - sequence;
    for (auto index = sequence + 1 > first ? sequence + 1 - first : 0; index < records_.size(); ++index) {
        const auto& record = records_[index];
        if (fits(record, wish)) {
            if (found.records.size() == wish.limit) return found;
            found.records.push_back(&record);
        }
        found.next = record.sequence;
    }
    return found;
}

LogRing::Found LogRing::last(const Wish& wish) const {
    Found found{.records = {}, .next = newest_, .lost = 0};
    for (auto record = records_.rbegin(); record != records_.rend() && found.records.size() < wish.limit; ++record)
        if (fits(*record, wish)) found.records.push_back(&*record);
    std::ranges::reverse(found.records);
    return found;
}

}  // namespace caisson
