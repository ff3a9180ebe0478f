// SPDX-License-Identifier: Apache-2.0
/// What an operator can say, as plain structs. The values here are the defaults; config/caisson.toml says the same for
/// people, and a test compares the two.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace caisson::settings {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

inline constexpr std::uint64_t KiB = 1024;
inline constexpr std::uint64_t MiB = 1024 * KiB;
inline constexpr std::uint64_t GiB = 1024 * MiB;

/// [service]: where the service lives.
struct Service {
    std::filesystem::path socket = {};      ///< empty: the default of `default_socket()`
    std::filesystem::path plugin_dir = {};  ///< relative to the file that says it; empty: the installed plugins
    bool discover = true;                   ///< every library in plugin_dir gets a pool
    std::filesystem::path state_dir = {};   ///< crash reports; empty: the default of `default_state_dir()`
    bool watch = true;                      ///< changed files and libraries are taken over by themselves
    milliseconds settle = 200ms;            ///< a file that changes is left alone until it was quiet for this long
    std::uint32_t crash_reports = 100;      ///< kept in memory and as files
    std::uint32_t max_sessions = 256;       ///< of all clients together
    std::uint32_t max_sessions_per_user = 64;
    milliseconds handshake_timeout = 5s;
    milliseconds drain = 30s;            ///< how long accepted calls may go on when the service stops
    milliseconds upgrade_timeout = 30s;  ///< for a new version to take over
    milliseconds idle_timeout = 0s;      ///< a session without a call or request; 0: never ends

    bool operator==(const Service&) const = default;
};

/// [access]: who may do what. The service's own user and root may do everything.
/// Entries are user names, "@group" or "*" for everybody who can reach the socket.
struct Access {
    std::string mode = "0600";  ///< of the socket, octal
    std::string group = {};     ///< of the socket; empty: unchanged
    std::vector<std::string> call = {};
    std::vector<std::string> operate = {};
    std::vector<std::string> admin = {};

    bool operator==(const Access&) const = default;
};

enum class LogFormat : std::uint8_t { text, json };

/// [log]: what is written where.
struct Log {
    std::string level = "info";  ///< trace, debug, info, warn, error, off
    LogFormat format = LogFormat::text;
    std::filesystem::path file = {};   ///< empty: stderr
    std::uint32_t plugin_lines = 100;  ///< lines of one worker's output per second that are logged; the rest is counted
    std::uint64_t plugin_line_bytes = 4 * KiB;  ///< a longer line is cut

    bool operator==(const Log&) const = default;
};

/// [metrics]: where the service answers HTTP: metrics, health, and the page.
struct Metrics {
    std::string listen = "unix";          ///< settings/listen.hpp; a path is absolute
    std::vector<std::string> hosts = {};  ///< names by which others reach the address, beside those that are known
    bool page = true;
    bool operate = false;  ///< what an operator may, the page may: resize, reload and the like

    bool operator==(const Metrics&) const = default;
};

struct Backoff {
    milliseconds min = 100ms;
    milliseconds max = 30s;
    std::uint32_t steps = 10;  ///< restarts from min to max
    double jitter = 0.2;       ///< a random part of the delay, 0 to 1

    bool operator==(const Backoff&) const = default;
};

/// When a worker that ended is replaced, and when to stop trying.
struct Restart {
    std::uint32_t intensity = 5;  ///< more failed starts and exits outside calls within `period` open the breaker
    milliseconds period = 10s;
    std::uint32_t call_crashes = 50;  ///< more crashes in calls than this within `period` slow restarts down
    Backoff backoff = {};
    milliseconds reset_after = 10s;  ///< of good service after which the back-off starts anew
    milliseconds cooldown = 30s;     ///< an open breaker lets one worker try after this

    bool operator==(const Restart&) const = default;
};

/// When a new version of a library, which one worker tries beside the others, is taken for good.
struct Canary {
    std::uint32_t calls = 20;  ///< after so many calls that it has answered; 0: only time counts
    milliseconds time = 10s;   ///< or after being ready for this long; 0: at once

    bool operator==(const Canary&) const = default;
};

struct Stop {
    milliseconds grace = 2s;  ///< between cancel, SIGTERM and SIGKILL

    bool operator==(const Stop&) const = default;
};

/// Resource limits of one worker; 0 means unlimited.
struct Limits {
    std::uint64_t memory = 4 * GiB;    ///< bytes of private memory (RLIMIT_DATA)
    std::uint64_t files = 1024;        ///< open files (RLIMIT_NOFILE)
    std::uint64_t processes = 0;       ///< processes of the user (RLIMIT_NPROC); 0: as inherited
    std::uint64_t file_size = 0;       ///< bytes of a file it writes (RLIMIT_FSIZE)
    std::uint64_t core = 0;            ///< bytes of a core dump (RLIMIT_CORE); here 0 means none
    milliseconds start_timeout = 10s;  ///< from spawn to ready

    bool operator==(const Limits&) const = default;
};

enum class IsolationLevel : std::uint8_t { standard, none };

struct Isolation {
    IsolationLevel level = IsolationLevel::standard;
    bool really_none = false;  ///< `none` must be asked for twice

    bool operator==(const Isolation&) const = default;
};

/// How a worker comes to be: a program of its own that loads the plugin, or the copy of a process that has loaded it.
enum class StartMethod : std::uint8_t { exec, zygote };

/// What a caller meets whose call does not fit into the queue: a refusal, or a wait until there is room.
enum class QueueFull : std::uint8_t { refuse, wait };

/// What may wait for a worker of one pool.
struct Queue {
    std::uint32_t calls = 100'000;    ///< waiting calls
    std::uint64_t bytes = 256 * MiB;  ///< of their params and bodies; those in memfds count with their number only
    QueueFull full = QueueFull::refuse;

    bool operator==(const Queue&) const = default;
};

/// Ways for an attempt to end after which a call may be tried again.
enum class RetryCause : std::uint8_t {
    crashed = 1,      ///< its worker died
    timed_out = 2,    ///< it ran past its deadline; another attempt gets as much time again
    unavailable = 4,  ///< the plugin says: cannot be done now
    failed = 8,       ///< the plugin says any other error
};

/// "crashed", "timed_out", …
[[nodiscard]] std::string_view word(RetryCause cause);

/// How often, after what and how soon a call is tried again.
struct Retry {
    std::uint32_t retries = 0;                           ///< after the first attempt, of methods that are idempotent
    std::vector<RetryCause> on = {RetryCause::crashed};  ///< sorted
    milliseconds backoff_min = 50ms;                     ///< before the first retry; doubles with each
    milliseconds backoff_max = 5s;

    bool operator==(const Retry&) const = default;
};

/// When an input counts as poison: it is refused, whoever asks, until an operator clears it.
struct Poison {
    std::uint32_t crashes = 3;    ///< workers that it killed; 0: nothing is ever poison
    milliseconds window = 10min;  ///< in which they died

    bool operator==(const Poison&) const = default;
};

/// [pool.NAME.methods.METHOD]: what holds for one method instead of what the pool says. Retries said here count whether
/// the method is idempotent or not.
struct Method {
    std::optional<std::uint32_t> retries = {};
    std::optional<milliseconds> timeout = {};

    bool operator==(const Method&) const = default;
};

/// A number of workers that follows the work.
struct Elastic {
    std::uint32_t min = 1;
    std::uint32_t max = 0;            ///< 0: one per core, and not below `min`
    milliseconds idle = 1min;         ///< a worker above `min` that had nothing to do for this long goes
    milliseconds grow_after = 100ms;  ///< calls that wait longer for a worker get another one

    bool operator==(const Elastic&) const = default;
};

/// When a worker is replaced by a new one although nothing is wrong with it. Written as max_calls, max_age and
/// max_memory; 0 means never.
struct Recycling {
    std::uint64_t max_calls = 0;
    milliseconds max_age = 0s;
    std::uint64_t max_memory = 0;  ///< bytes that are its own

    bool operator==(const Recycling&) const = default;
};

/// [pool.NAME], and [defaults].
struct Pool {
    std::string name = {};
    std::filesystem::path plugin = {};  ///< absolute, or a name in plugin_dir ("math" finds libmath.so or math.so)
    std::optional<std::uint32_t> workers = {};  ///< empty: one per core ("cores")
    std::optional<Elastic> elastic = {};        ///< instead of a number: `workers = { min = 1, max = 8 }`
    std::uint32_t spares = 0;                   ///< beside them: ready, and waiting for a worker to be lost
    StartMethod start = StartMethod::exec;
    milliseconds timeout = 60s;    ///< of a call, waiting and running; 0: none
    milliseconds heartbeat = 10s;  ///< a worker that owes a sign of life for this long is ended; 0: never
    Recycling recycling = {};
    Queue queue = {};
    Retry retry = {};  ///< written as retries, retry_on and retry_backoff
    Poison poison = {};
    std::map<std::string, Method> methods = {};
    Restart restart = {};
    Canary canary = {};
    Stop stop = {};
    Limits limits = {};
    Isolation isolation = {};
    std::map<std::string, std::string> env = {};  ///< the worker's whole environment beyond PATH, LANG and TZ
    std::string settings_json = "{}";             ///< [pool.NAME.settings] as JSON
    bool enabled = true;

    bool operator==(const Pool&) const = default;
};

struct Settings {
    std::filesystem::path file = {};  ///< where it was read from; empty: built-in defaults
    Service service = {};
    Access access = {};
    Log log = {};
    Metrics metrics = {};
    Pool defaults = {};
    std::vector<Pool> pools = {};  ///< as written, [defaults] merged in; discovered ones are not here before resolve()
    /// Pools whose sections have problems, and their plugins as far as those could be read: discovery must not run
    /// with [defaults] what somebody has configured.
    std::map<std::string, std::filesystem::path> rejected = {};

    bool operator==(const Settings&) const = default;

    /// The pool of a library that no section names.
    [[nodiscard]] Pool discovered(const std::string& name, const std::filesystem::path& library) const;
};

/// Workers that `pool` gets on this machine: as many as it says, or one per core that this process may run on; if their
/// number follows the work, those that it starts with.
[[nodiscard]] std::uint32_t worker_count(const Pool& pool);
/// The most that it ever gets.
[[nodiscard]] std::uint32_t most_workers(const Pool& pool);

}  // namespace caisson::settings
