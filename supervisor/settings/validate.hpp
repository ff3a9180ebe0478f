// SPDX-License-Identifier: Apache-2.0
/// What a setting may be: every bound with its unit and its reason, and the checks that a value must pass.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "settings/settings.hpp"

namespace caisson::settings {

/// What a number or a size may be. `reason` is what an operator reads who asked for more or less.
struct Bound {
    std::uint64_t min;
    std::uint64_t max;
    bool or_zero;  ///< 0 is allowed too, and means none or unlimited
    std::string_view reason;

    [[nodiscard]] constexpr bool allows(std::uint64_t value) const {
        return (value >= min && value <= max) || (or_zero && value == 0);
    }
};

/// What a duration may be.
struct Span {
    milliseconds min;
    milliseconds max;
    bool or_zero;
    std::string_view reason;

    [[nodiscard]] constexpr bool allows(milliseconds value) const {
        return (value >= min && value <= max) || (or_zero && value == 0ms);
    }
};

namespace bounds {

inline constexpr std::uint64_t TiB = 1024 * GiB;
inline constexpr milliseconds day = 24h;

/// Bytes of a configuration file.
inline constexpr std::size_t file_bytes = MiB;
/// Dots on one line outside comments: each may open a table in a table, and the parser works on the stack.
inline constexpr std::size_t dots_per_line = 256;
/// Bytes of a socket's path: sun_path without its closing zero.
inline constexpr std::size_t socket_path_bytes = 107;
/// Letters of a pool's name: it is part of file names, log lines and wire messages.
inline constexpr std::size_t pool_name_bytes = 64;
/// Bytes of a worker's environment in all: it travels to the keeper in one datagram, beside the arguments.
inline constexpr std::size_t env_bytes = 48 * KiB;
/// Bytes of `NAME=value`.
inline constexpr std::size_t env_entry_bytes = env_bytes;
/// Variables of one pool.
inline constexpr std::size_t env_entries = 256;
/// Letters of a method's name, as the worker checks them too.
inline constexpr std::size_t method_name_bytes = 64;
/// Entries of one access list; longer lists are groups.
inline constexpr std::size_t access_entries = 256;
/// Bytes of a path: PATH_MAX without its closing zero.
inline constexpr std::size_t path_bytes = 4095;

// [service]
inline constexpr Span settle{1ms, 1min, false, "what changes is looked at when it was quiet for this long"};
inline constexpr Bound crash_reports{1, 10'000, false, "reports are held in memory, up to 64KiB each"};
inline constexpr Bound sessions{1, 16'384, false, "each session costs a file descriptor and buffers"};
inline constexpr Span handshake_timeout{10ms, 5min, false, "who says nothing for that long is no client"};
inline constexpr Span drain{1ms, day, true, "a stop waits for it; 0 waits for no call"};
inline constexpr Span upgrade_timeout{100ms, 10min, false, "the service goes on meanwhile, with twice the workers"};
inline constexpr Span idle_timeout{100ms, 30 * day, true, "0 means that an idle session never ends"};

// [log]
inline constexpr Bound plugin_lines{1, 1'000'000, true, "lines per second of one worker; 0 logs none of them"};
inline constexpr Bound plugin_line_bytes{64, 64 * KiB, false, "each worker has a buffer of this size for each stream"};

// [pool.NAME], [defaults]
inline constexpr Bound workers{1, 1024, false, "each worker is a process with a socket and two pipes"};
inline constexpr Bound spares{0, 64, false, "each spare is a process that has loaded the plugin and does nothing"};
inline constexpr Span elastic_idle{100ms, day, false, "to start a worker costs more than to keep it for that long"};
inline constexpr Span grow_after{1ms, 1h, true, "0 starts a worker for every call that finds none free"};
inline constexpr Bound max_calls{1, 1'000'000'000'000, true, "0 means that no number of calls ends a worker"};
inline constexpr Span max_age{100ms, 365 * day, true, "0 means that no age ends a worker"};
inline constexpr Bound max_memory{1 * MiB, 64 * TiB, true, "a worker needs some MiB to start; 0 means without end"};
inline constexpr Span heartbeat{100ms, 1h, true, "a busy machine must not look like a dead worker; 0 means never"};
inline constexpr Span timeout{1ms, 30 * day, true, "0 means that a call may take for ever"};
inline constexpr Bound queue_calls{1, 10'000'000, false,
                                   "every waiting call costs memory; to take none, use enabled = false"};
inline constexpr Bound queue_bytes{4 * KiB, 64 * GiB, false, "waiting params and bodies are held in memory"};
inline constexpr Bound retries{0, 100, false, "what has failed so often will fail again"};
inline constexpr Span retry_backoff{1ms, 1h, false, "a call that is tried again at once meets the same trouble"};
inline constexpr Bound poison_crashes{1, 100, true,
                                      "the stamps of that many crashes are kept; 0 means that nothing is ever poison"};
inline constexpr Span poison_window{100ms, 30 * day, false, "crashes are counted within it"};
inline constexpr Bound restart_intensity{1, 1000, true, "the stamps of that many restarts are kept"};
inline constexpr Span restart_period{100ms, day, false, "restarts are counted within it"};
inline constexpr Bound restart_call_crashes{1, 100'000, false, "the stamps of that many crashes are kept"};
inline constexpr Span backoff_min{1ms, 1h, false,
                                  "without a pause, a plugin that cannot start would use up the machine"};
inline constexpr Span backoff_max{1ms, day, false, "after a day nobody remembers what the pool waits for"};
inline constexpr Bound backoff_steps{1, 100, false, "restarts from backoff.min to backoff.max"};
inline constexpr Span reset_after{1ms, day, true, "0 means that one served call is enough"};
inline constexpr Span cooldown{100ms, day, false, "a worker of a quarantined pool is tried once in this time"};
inline constexpr Bound canary_calls{1, 1'000'000, true, "0 means that only canary.time counts"};
inline constexpr Span canary_time{1ms, day, true, "0 means that a worker that is ready is proof enough"};
inline constexpr Span grace{1ms, 10min, true, "a stop waits for it; 0 kills at once"};
inline constexpr Bound limit_memory{16 * MiB, 64 * TiB, true, "a worker needs 16MiB to start; 0 means unlimited"};
inline constexpr Bound limit_files{16, 1 << 20, true, "a worker needs 16 descriptors to start; 0 means unlimited"};
inline constexpr Bound limit_processes{1, 1 << 22, true,
                                       "the kernel has no more process ids; 0 leaves it as inherited"};
inline constexpr Bound limit_file_size{1, 1024 * TiB, true, "0 leaves it as inherited"};
inline constexpr Bound limit_core{1, 1024 * TiB, true, "0 means no core dumps"};
inline constexpr Span start_timeout{10ms, 1h, false, "a worker that never becomes ready must be given up"};

}  // namespace bounds

/// `math-2`: what a pool may be called, [a-z0-9_-], 1 to 64 of them.
[[nodiscard]] bool is_pool_name(std::string_view name);
/// A pool name that is near `name`, for messages: "Math 2" -> "math_2". "NAME" if nothing of it is usable.
[[nodiscard]] std::string near_pool_name(std::string_view name);
/// `word_count`: what a method may be called, [a-z0-9_], 1 to 64 of them.
[[nodiscard]] bool is_method_name(std::string_view name);
/// [A-Za-z_][A-Za-z0-9_]*
[[nodiscard]] bool is_env_name(std::string_view name);

/// What is wrong with a socket at `path`, if anything is.
[[nodiscard]] std::optional<Error> socket_path_fault(const std::filesystem::path& path);
/// What is wrong with `text` as the mode of the socket, if anything is.
[[nodiscard]] std::optional<Error> mode_fault(std::string_view text);
/// The bits of a mode that has no fault: "0660" -> 0660.
[[nodiscard]] std::uint32_t mode_bits(std::string_view text);
/// What is wrong with an entry of an access list ("alice", "@staff", "*"), if anything is.
[[nodiscard]] std::optional<Error> access_entry_fault(std::string_view entry);

/// A fault of values that are each possible, but not together. `key` is the one to blame, "restart.backoff.min".
struct Contradiction {
    std::string_view key;
    Error error;
};
[[nodiscard]] std::vector<Contradiction> contradictions(const Pool& pool);

}  // namespace caisson::settings
