// SPDX-License-Identifier: Apache-2.0
/// The last records of the log, kept in memory for whoever asks what happened. Pure; bounded in number and in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace caisson {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };
/// As lines of the log say it: "warning".
[[nodiscard]] std::string_view word(LogLevel level);

/// One line of the log, or one event.
struct LogRecord {
    std::uint64_t sequence = 0;  ///< from 1; each has one more than the one before
    std::string time;            ///< RFC 3339, UTC
    LogLevel level = LogLevel::info;
    std::string event;    ///< its word for programs; empty: a line that is no event
    std::string pool;     ///< the pool that it is about; empty: none
    std::string message;  ///< for people, as it was given: not yet made safe for a terminal
    std::string fields;   ///< a JSON object

    [[nodiscard]] std::size_t bytes() const;
};

class LogRing {
   public:
    LogRing(std::size_t max_records, std::size_t max_bytes) : max_records_(max_records), max_bytes_(max_bytes) {}

    /// Gives it its number. The oldest go while there are too many.
    const LogRecord& add(LogRecord record);

    /// Which of them are asked for.
    struct Wish {
        bool events_only = false;
        std::string_view pool = {};  ///< empty: all
        std::size_t limit = 0;       ///< at most so many
    };
    struct Found {
        std::vector<const LogRecord*> records;  ///< the oldest first; valid until the next `add`
        std::uint64_t next = 0;                 ///< to ask on with: the number of the last that was looked at
        std::uint64_t lost = 0;                 ///< records after `after` that are no longer here
    };
    /// The first that come after this number.
    [[nodiscard]] Found after(std::uint64_t sequence, const Wish& wish) const;
    /// The last ones.
    [[nodiscard]] Found last(const Wish& wish) const;
    [[nodiscard]] std::uint64_t newest() const { return newest_; }

   private:
    std::size_t max_records_;
    std::size_t max_bytes_;
    std::deque<LogRecord> records_;
    std::size_t bytes_ = 0;
    std::uint64_t newest_ = 0;
};

}  // namespace caisson
