// SPDX-License-Identifier: Apache-2.0
/// What a user says to an engine, a pool and a call. The defaults are those of the service; config/caisson.toml
/// explains each of them. What cannot be is a PoolError where it is used.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "failure.hpp"

namespace caisson {

/// A line that a plugin printed.
struct OutputLine {
    std::string pool;
    std::uint32_t worker = 0;
    std::uint64_t call = 0;  ///< the engine's number of the call that ran; 0: none
    bool error = false;      ///< it came on stderr
    std::string text;        ///< without its end
};

/// Prints the line to this program's stdout or stderr: for EngineOptions::on_output.
void print_output(const OutputLine& line);

struct EngineOptions {
    /// Where caisson-keeper and caisson-worker are. Empty: $CAISSON_PROGRAM_DIR, else where the package has them.
    std::filesystem::path program_dir = {};
    /// Where plugins are that are named without a path. Empty: $CAISSON_PLUGIN_DIR, else where the package has them.
    std::filesystem::path plugin_dir = {};
    /// Crash reports are kept there. Empty: in memory only.
    std::filesystem::path report_dir = {};
    /// Hears what plugins print, on the callback thread. Lines that it does not take in time are dropped.
    std::function<void(const OutputLine&)> on_output = {};
};

/// What a caller meets whose call does not fit into the queue: an outcome `refused`, or a wait until there is room.
enum class WhenFull : std::uint8_t { refuse, wait };
/// Ways for an attempt to end after which a call may be tried again.
enum class RetryOn : std::uint8_t { crashed, timed_out, unavailable, failed };

/// Bytes of params and bodies that may wait: the service's default too.
inline constexpr std::uint64_t default_queue_bytes = std::uint64_t{256} * 1024 * 1024;
/// Bytes of private memory of one worker.
inline constexpr std::uint64_t default_memory_bytes = std::uint64_t{4} * 1024 * 1024 * 1024;

struct QueueOptions {
    std::uint32_t calls = 100'000;              ///< waiting calls
    std::uint64_t bytes = default_queue_bytes;  ///< of their params and bodies
    WhenFull full = WhenFull::refuse;
};

struct BackoffOptions {
    std::chrono::milliseconds min{50};
    std::chrono::milliseconds max{5'000};
};

struct PoisonOptions {
    std::uint32_t crashes = 3;                  ///< workers that an input may kill; 0: any number
    std::chrono::milliseconds window{600'000};  ///< in which they died
};

/// When a worker that ended is replaced, and when to stop trying.
struct RestartOptions {
    std::uint32_t intensity = 5;  ///< more failed starts and exits outside calls within `period` quarantine the pool
    std::chrono::milliseconds period{10'000};
    std::uint32_t call_crashes = 50;  ///< more crashes in calls than this within `period` slow restarts down
    std::chrono::milliseconds backoff_min{100};
    std::chrono::milliseconds backoff_max{30'000};
    std::chrono::milliseconds reset_after{10'000};
    std::chrono::milliseconds cooldown{30'000};
};

/// Resource limits of one worker; 0 means unlimited.
struct LimitOptions {
    std::uint64_t memory = default_memory_bytes;  ///< bytes of private memory
    std::uint64_t files = 1024;
    std::uint64_t processes = 0;  ///< 0: as inherited
    std::uint64_t file_size = 0;
    std::uint64_t core = 0;  ///< 0: no core dumps
    std::chrono::milliseconds start_timeout{10'000};
};

enum class Isolation : std::uint8_t { standard, none };
/// How a worker comes to be: a program of its own that loads the plugin, or the copy of a process that has loaded it.
enum class StartMethod : std::uint8_t { exec, zygote };

struct PoolOptions {
    std::string plugin = {};  ///< a name in plugin_dir ("math"), or the path of a library
    int workers = 0;          ///< 0: one per core
    int spares = 0;           ///< beside them: ready, and waiting for a worker to be lost
    StartMethod start = StartMethod::exec;
    std::string name = {};                      ///< in reports and messages; empty: the plugin's
    std::chrono::milliseconds timeout{60'000};  ///< of a call, waiting and running; 0: none
    int retries = 0;                            ///< of methods that are idempotent
    std::vector<RetryOn> retry_on = {RetryOn::crashed};
    BackoffOptions retry_backoff = {};
    QueueOptions queue = {};
    PoisonOptions poison = {};
    RestartOptions restart = {};
    std::chrono::milliseconds grace{2'000};  ///< between cancel, SIGTERM and SIGKILL
    LimitOptions limits = {};
    std::map<std::string, std::string> env = {};  ///< the workers' whole environment beyond PATH, LANG and TZ
    std::string settings = {};                    ///< for the plugin: a JSON object
    Isolation isolation = Isolation::standard;
    /// Gets what a callback throws, on the callback thread. Empty: `join` throws the first as CallbackError.
    std::function<void(std::exception_ptr)> on_callback_error = {};
};

namespace detail {
template <class T>
struct OnDone {
    using Type = std::function<void(const T&)>;
};
template <>
struct OnDone<void> {
    using Type = std::function<void()>;
};
}  // namespace detail

/// What is the same for each way to hand over work; explained at CallOptions.
struct CallTerms {
    std::string params = {};
    std::optional<std::chrono::milliseconds> timeout = {};
    int priority = 0;
    std::optional<int> retries = {};
};

/// Callbacks run on the engine's callback thread, one after the other, in the order of the events.
template <class T>
struct CallOptions {
    std::string params = {};                                ///< a JSON object, or nothing
    std::optional<std::chrono::milliseconds> timeout = {};  ///< empty: the pool's; 0: none
    int priority = 0;                                       ///< -10 to 10; larger goes first
    std::optional<int> retries = {};                        ///< 0 to 100, for any method; empty: as the pool says
    typename detail::OnDone<T>::Type on_done = {};
    std::function<void(const Failure&)> on_error = {};
    std::function<void(double fraction, const std::string& note)> on_progress = {};
    /// What the method writes, while it runs; it goes no faster than this takes it. The result is then empty.
    std::function<void(std::string_view bytes)> on_piece = {};
};

/// Of all items together: the callbacks hear of the whole map.
template <class T>
struct MapOptions {
    std::string params = {};
    std::optional<std::chrono::milliseconds> timeout = {};  ///< of each item, from when it is handed over
    int priority = 0;
    std::optional<int> retries = {};
    /// Items that travel together; empty: chosen. Each is a call of its own all the same.
    std::optional<std::size_t> chunk = {};
    std::function<void(const std::vector<T>&)> on_done = {};
    std::function<void(const Failure&)> on_error = {};                               ///< of the first item that failed
    std::function<void(double fraction, const std::string& note)> on_progress = {};  ///< items that ended
};

/// Of a lazy map.
struct StreamOptions {
    std::string params = {};
    std::optional<std::chrono::milliseconds> timeout = {};
    int priority = 0;
    std::optional<int> retries = {};
    std::size_t look_ahead = 64;  ///< items that were taken from the input and not yet handed out
    std::optional<std::size_t> chunk = {};
};

struct WorkerInfo {
    std::uint32_t id = 0;
    std::int64_t pid = 0;
    std::string state;        ///< starting, idle, running, spare, stopping, waiting
    std::uint64_t calls = 0;  ///< answered
};

struct MethodInfo {
    std::string name;
    std::string help;
    std::string input;  ///< as docs/abi.md says: "int64", "json", "bytes", "none", …
    std::string output;
    bool idempotent = false;
};

/// An input that killed so many workers that it is refused.
struct PoisonInfo {
    std::string id;
    std::string pool;
    std::string method;
    std::uint32_t crashes = 0;
    std::string since;   ///< the last crash, RFC 3339
    std::string report;  ///< of that crash
};

}  // namespace caisson
