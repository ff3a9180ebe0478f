// SPDX-License-Identifier: Apache-2.0
/// One call in a process of its own, as with Python's multiprocessing.Process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine.hpp"
#include "options.hpp"
#include "values.hpp"
#include "work.hpp"

namespace caisson {

namespace detail {
class ProcessCore;
}

/// Any value that can be a method's input; copied.
class Input {
   public:
    Input() : Input(NoInput{}) {}
    /// Implicit, so that a value can be said where an input is asked for.
    template <class T>
        requires(!std::same_as<std::remove_cvref_t<T>, Input>)
    Input(T&& value)  // NOLINT(google-explicit-constructor): as just said
        : fill_([value = std::decay_t<T>(std::forward<T>(value))](detail::Work& work, const MethodInfo& method) {
              detail::Encoder<std::decay_t<T>> encoder{method};
              work.add(encoder(value));
          }) {}

    void add_to(detail::Work& work, const MethodInfo& method) const { fill_(work, method); }

   private:
    std::function<void(detail::Work&, const MethodInfo&)> fill_;
};

struct ProcessOptions {
    std::string plugin = {};
    std::string method = {};
    Input input = {};
    std::string params = {};               ///< a JSON object, or nothing
    std::chrono::milliseconds timeout{0};  ///< 0: none
    std::chrono::milliseconds grace{2'000};
    LimitOptions limits = {};
    std::map<std::string, std::string> env = {};
    std::string settings = {};
    Isolation isolation = Isolation::standard;
};

/// Its destructor ends it as `terminate` does, and waits for its end.
class Process {
   public:
    explicit Process(ProcessOptions options) : Process(Engine{}, std::move(options)) {}
    Process(const Engine& engine, ProcessOptions options);
    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;
    ~Process();

    /// Starts the process and its call. Throws PoolError if the plugin cannot be loaded; at most once.
    void start();
    /// Waits for the end of the process; with a time, at most so long. True if it has ended.
    void join() const;
    [[nodiscard]] bool join(std::chrono::milliseconds time) const;

    /// 0 before the start.
    [[nodiscard]] pid_t pid() const;
    /// From the start until it has ended and was reaped.
    [[nodiscard]] bool is_alive() const;
    /// Empty before its end. -11 if it died by signal 11, else its exit code, else 0 if the method ended ok, else 1.
    [[nodiscard]] std::optional<int> exit_code() const;

    /// Asks the method to give up, then SIGTERM after the time of grace, then SIGKILL after another. Does not wait.
    void terminate();
    /// SIGKILL. Does not wait.
    void kill();

    /// Waits for the end of the call: its value, or CallError.
    template <class T>
    [[nodiscard]] T result() const {
        auto value = try_result<T>();
        if (!value) throw CallError{std::move(value.error())};
        if constexpr (!std::is_void_v<T>) return std::move(*value);
    }
    template <class T>
    [[nodiscard]] std::expected<T, Failure> try_result() const {
        detail::Work& work = ended_work();
        return detail::read_item<T>(work, 0, detail::Decoder<T>{method()}, method().name, false);
    }

   private:
    [[nodiscard]] detail::Work& ended_work() const;
    [[nodiscard]] const MethodInfo& method() const;

    std::shared_ptr<detail::ProcessCore> core_;
};

}  // namespace caisson
