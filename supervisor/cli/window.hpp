// SPDX-License-Identifier: Apache-2.0
/// The lines of a map that are on their way, in their order: a ring from the oldest that is not written to the newest
/// that was read, and which call or batch each travels with.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.hpp"

namespace caisson::cli {

/// One line on its way.
struct Place {
    enum class State : std::uint8_t { out, ended, settled };  // settled: written or reported

    std::uint64_t line = 0;
    State state = State::out;
    std::size_t line_bytes = 0;
    std::size_t held_bytes = 0;  // its line, then its result
    CallResult result;
    std::string shown;  // the beginning of the line, for an error; short enough to need no allocation
};

class Window {
   public:
    /// Lines in it; a power of two. Those that are not out wait for an older one to end.
    static constexpr std::size_t max_lines = 8192;
    /// Bytes of lines and results in it. One line may exceed it, if it is alone.
    static constexpr std::size_t max_bytes = std::size_t{32} * 1024 * 1024;

    Window() : places_(max_lines) {}

    [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(next_ - head_); }
    [[nodiscard]] bool empty() const { return next_ == head_; }
    /// Lines that have not ended.
    [[nodiscard]] std::size_t out() const { return out_; }
    /// Lines that were ever put in.
    [[nodiscard]] std::uint64_t lines() const { return next_; }
    /// Whether so many more lines fit, going by the results that came so far.
    [[nodiscard]] bool has_room(std::size_t more) const;

    /// Takes a place for a line that is on its way. It must fit.
    Place& push(std::string_view line);
    /// The last `count` lines, in their order, are the items of this call or batch.
    void sent(std::uint64_t call, std::uint32_t count);
    /// Forgets the last `count` lines, which could not be sent.
    void take_back(std::uint32_t count);
    /// The line of an item that has not ended; nothing if there is none.
    [[nodiscard]] Place* find(std::uint64_t call, std::uint32_t item);
    /// Its result has been put into its place.
    void ended(Place& place);
    /// Its result has been written or reported, and is not needed any more.
    void settled(Place& place);

    /// The oldest line.
    [[nodiscard]] Place& head() { return at(head_); }
    /// Forgets the oldest line.
    void pop() { ++head_; }
    /// The calls and batches with lines that have not ended.
    [[nodiscard]] std::vector<std::uint64_t> calls_out() const;

   private:
    struct Sent {
        std::uint64_t call;
        std::uint64_t first;  // line
        std::uint32_t count;
        std::uint32_t left;
    };

    Place& at(std::uint64_t line) { return places_[line & (max_lines - 1)]; }

    std::vector<Place> places_;
    std::uint64_t head_ = 0;
    std::uint64_t next_ = 0;
    std::size_t out_ = 0;
    std::size_t held_bytes_ = 0;
    std::size_t usual_result_bytes_ = 0;  // an average that follows what comes
    std::deque<Sent> sent_;               // numbers of calls grow along it
};

}  // namespace caisson::cli
