// SPDX-License-Identifier: Apache-2.0
/// The log: levelled lines with fields, written by a thread of its own. Logging never blocks; what had to be dropped is
/// counted and said. spdlog does the queueing, behind this header and nowhere else.
///
/// The last lines stay in memory, for those who ask a running service what happened. Events are among them whatever the
/// level of the log is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <variant>

#include "base/log_ring.hpp"
#include "base/result.hpp"

namespace caisson {

/// One named value of a log line. Views live for the call only.
struct LogField {
    std::string_view key;
    std::variant<std::string_view, std::int64_t, std::uint64_t> value;

    LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
    LogField(std::string_view k, const char* v) : key(k), value(std::string_view{v}) {}
    template <std::signed_integral T>
    LogField(std::string_view k, T v) : key(k), value(std::int64_t{v}) {}
    template <std::unsigned_integral T>
    LogField(std::string_view k, T v) : key(k), value(std::uint64_t{v}) {}
};

struct LogOptions {
    LogLevel level = LogLevel::info;
    bool json = false;           ///< one JSON object a line, else text for people
    std::filesystem::path file;  ///< empty: stderr
    bool journal = false;        ///< stderr is systemd's journal (stderr_is_journal), which takes fields
};

class Log {
   public:
    using Fields = std::initializer_list<LogField>;

    /// Fails if the file cannot be opened.
    [[nodiscard]] static Result<Log> open(const LogOptions& options);
    /// A log that says nothing: for embedded pools and tests.
    [[nodiscard]] static Log silent();

    Log(Log&&) noexcept;
    Log& operator=(Log&&) noexcept;
    ~Log();  ///< writes what waits

    void debug(std::string_view message, Fields fields = {}) { write(LogLevel::debug, message, fields); }
    void info(std::string_view message, Fields fields = {}) { write(LogLevel::info, message, fields); }
    void warn(std::string_view message, Fields fields = {}) { write(LogLevel::warn, message, fields); }
    void error(std::string_view message, Fields fields = {}) { write(LogLevel::error, message, fields); }
    void write(LogLevel level, std::string_view message, Fields fields);
    /// A line that tells what happened to a pool, a worker or the service: `name` is its word for programs, in
    /// snake_case, such as "worker_ready" (docs/operations.md has the list).
    void event(std::string_view name, LogLevel level, std::string_view message, Fields fields = {});

    void set_level(LogLevel level);
    /// Lines dropped so far because the writer was behind, or because they could not be written.
    [[nodiscard]] std::uint64_t dropped() const;
    /// What is remembered; of a silent log nothing. On the loop's thread.
    [[nodiscard]] const LogRing& records() const;
    /// Calls back with each record, from inside `write` and `event`; one listener.
    void on_record(std::function<void(const LogRecord&)> listener);

   private:
    struct Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    void put(std::string_view event, LogLevel level, std::string_view message, std::span<const LogField> fields);
    std::unique_ptr<Impl> impl_;
};

}  // namespace caisson
