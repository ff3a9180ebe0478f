// SPDX-License-Identifier: Apache-2.0
/// How a call failed, with everything that is known about it, and the exceptions of the embedded pool.
#pragma once

#include <caisson/client.hpp>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace caisson {

/// A call that did not end ok. What the functions below tell is read from the outcome document (docs/wire.md); a text
/// that the document does not have is empty, a number 0.
class Failure {
   public:
    explicit Failure(CallResult result, std::optional<std::size_t> index = {})
        : result_(std::move(result)), index_(index) {}

    [[nodiscard]] Outcome outcome() const { return result_.outcome; }
    /// One line for people.
    [[nodiscard]] const std::string& message() const { return result_.message; }
    /// The whole outcome document.
    [[nodiscard]] const std::string& json() const { return result_.json; }
    /// Starts that were made.
    [[nodiscard]] std::uint32_t attempts() const { return result_.attempts; }

    [[nodiscard]] std::string pool() const { return text("pool"); }
    [[nodiscard]] std::string method() const { return text("method"); }
    /// "SIGSEGV" of a worker that died by a signal.
    [[nodiscard]] std::string signal() const { return text("exit", "signal"); }
    /// How its worker ended: "exited", "signaled", "killed", "protocol_error", "service_lost".
    [[nodiscard]] std::string exit_kind() const { return text("exit", "kind"); }
    [[nodiscard]] int exit_code() const { return static_cast<int>(number("exit", "code")); }
    [[nodiscard]] std::int64_t worker_pid() const { return number("worker", "pid"); }
    /// Of the crash report.
    [[nodiscard]] std::string report() const { return text("report"); }
    /// "poke() at plugins/chaos/chaos.cpp:41", the place of the fault first.
    [[nodiscard]] std::vector<std::string> stack() const;
    /// The last lines that the worker printed, oldest first.
    [[nodiscard]] std::vector<std::string> output() const;
    /// "waiting" or "running": where a call was that timed out or was cancelled.
    [[nodiscard]] std::string phase() const { return text("phase"); }
    /// The bound that a refused call met: "queue.calls", "poison.crashes".
    [[nodiscard]] std::string bound() const { return text("bound"); }
    /// The plugin's status of a call that failed: "invalid_argument", "internal".
    [[nodiscard]] std::string status() const { return text("status"); }
    /// Of an item of a map: its place among them, from 0.
    [[nodiscard]] std::optional<std::size_t> index() const { return index_; }
    /// "item 3: chaos.segv crashed: SIGSEGV, address not mapped, at 0x0"
    [[nodiscard]] std::string headline() const;
    /// All of it, on several lines.
    [[nodiscard]] std::string text() const;

   private:
    [[nodiscard]] std::string text(std::string_view field, std::string_view inner = {}) const;
    [[nodiscard]] std::int64_t number(std::string_view field, std::string_view inner) const;

    CallResult result_;
    std::optional<std::size_t> index_;
};

/// Thrown by what waits for a result when the call did not end ok.
class CallError : public std::runtime_error {
   public:
    explicit CallError(Failure failure) : std::runtime_error(failure.headline()), failure_(std::move(failure)) {}
    [[nodiscard]] const Failure& failure() const noexcept { return failure_; }

   private:
    Failure failure_;
};

/// Thrown where a pool, a process or an option is used in a way that cannot be: use after close, a timeout below zero,
/// a method that is not there, a plugin that cannot be loaded.
class PoolError : public std::logic_error {
   public:
    using std::logic_error::logic_error;
};

/// Thrown by `join` when a callback had thrown: what() names the method and has the callback's text.
class CallbackError : public std::runtime_error {
   public:
    CallbackError(const std::string& what, std::exception_ptr cause)
        : std::runtime_error(what), cause_(std::move(cause)) {}
    /// What the callback threw.
    [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }

   private:
    std::exception_ptr cause_;
};

}  // namespace caisson
