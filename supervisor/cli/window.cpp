// SPDX-License-Identifier: Apache-2.0
#include "cli/window.hpp"

#include <algorithm>

namespace caisson::cli {
namespace {

// Bytes of a line that an error shows, and one more that tells that there are more.
constexpr std::size_t kept_line_bytes = 41;
// A text up to this long keeps its memory for the next line; a longer one gives it back.
constexpr std::size_t kept_result_bytes = 1024;

}  // namespace

bool Window::has_room(std::size_t more) const {
    if (empty()) return true;
    // What is out will need room for its results as well: large outputs of small lines come many at once.
    return size() + more <= max_lines && held_bytes_ + out_ * usual_result_bytes_ < max_bytes;
}

Place& Window::push(std::string_view line) {
    Place& fresh = at(next_);
    fresh.line = ++next_;
    fresh.state = Place::State::out;
    fresh.line_bytes = fresh.held_bytes = line.size();
    fresh.shown.assign(line.substr(0, kept_line_bytes));
    held_bytes_ += fresh.held_bytes;
    ++out_;
    return fresh;
}

void Window::sent(std::uint64_t call, std::uint32_t count) { sent_.push_back({call, next_ - count, count, count}); }

void Window::take_back(std::uint32_t count) {
    for (; count > 0; --count) {
        --next_;
        --out_;
        held_bytes_ -= at(next_).held_bytes;
    }
}

Place* Window::find(std::uint64_t call, std::uint32_t item) {
    const auto found = std::ranges::lower_bound(sent_, call, {}, &Sent::call);
    if (found == sent_.end() || found->call != call || item >= found->count) return nullptr;
    Place& place = at(found->first + item);
    if (place.line != found->first + item + 1 || place.state != Place::State::out) return nullptr;
    --found->left;
    while (!sent_.empty() && sent_.front().left == 0) sent_.pop_front();
    return &place;
}

void Window::ended(Place& place) {
    const auto bytes = place.result.bytes().size();
    held_bytes_ += bytes;
    held_bytes_ -= place.held_bytes;
    place.held_bytes = bytes;
    place.state = Place::State::ended;
    usual_result_bytes_ = (usual_result_bytes_ * 7 + bytes) / 8;
    --out_;
}

void Window::settled(Place& place) {
    held_bytes_ -= place.held_bytes;
    place.held_bytes = 0;
    place.state = Place::State::settled;
    place.result.memory.reset();
    place.result.json.clear();
    if (place.result.output.capacity() > kept_result_bytes) place.result.output = {};
}

std::vector<std::uint64_t> Window::calls_out() const {
    std::vector<std::uint64_t> calls;
    for (const auto& sent : sent_)
        if (sent.left > 0) calls.push_back(sent.call);
    return calls;
}

}  // namespace caisson::cli
