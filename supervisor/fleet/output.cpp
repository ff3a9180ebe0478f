// SPDX-License-Identifier: Apache-2.0
#include "fleet/output.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::fleet {

void LineSplitter::feed(std::string_view bytes, std::size_t max_bytes, const Sink& sink) {
    while (!bytes.empty()) {
        const auto end = bytes.find('\n');
        const auto piece = bytes.substr(0, end);
        if (!dropping_) {
            partial_ += piece.substr(0, max_bytes - std::min(max_bytes, partial_.size()));
            if (partial_.size() >= max_bytes) {
                sink(partial_);
                partial_.clear();
                dropping_ = true;
            }
        }
        if (end == std::string_view::npos) return;
        if (!dropping_) sink(partial_);
        partial_.clear();
        dropping_ = false;
        bytes.remove_prefix(end + 1);
    }
}

void LineSplitter::finish(const Sink& sink) {
    if (!partial_.empty()) sink(partial_);
    partial_.clear();
    dropping_ = false;
}

void LineBudget::turn(TimePoint now) {
    if (now - second_ < std::chrono::seconds{1}) return;
    second_ = now;
    used_ = 0;
    held_before_ += std::exchange(held_, 0);
}

bool LineBudget::take(TimePoint now, std::uint32_t lines_per_second) {
    turn(now);
    if (used_ < lines_per_second) {
        ++used_;
        return true;
    }
    ++held_;
    return false;
}

std::uint64_t LineBudget::held_back(TimePoint now) {
    turn(now);
    return std::exchange(held_before_, 0);
}

void OutputTail::add(std::string_view line) {
    lines_.push_back(printable(cut(line, limits::report_line_bytes)));
    if (lines_.size() > limits::report_output_lines) lines_.pop_front();
}

}  // namespace caisson::fleet
