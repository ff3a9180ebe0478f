// SPDX-License-Identifier: Apache-2.0
/// Every bound of the supervisor that an operator does not set, with its unit and its reason. The wire's bounds stand
/// in wire/frame.hpp, the black box's in wire/black_box.hpp, the settings' in settings/validate.hpp.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace caisson::limits {

using namespace std::chrono_literals;

/// Bytes asked of one read of a socket: large enough that a turn takes all that a burst brought, small enough that one
/// peer does not keep the loop from the others.
inline constexpr std::size_t socket_read_bytes = 256 * 1024;
/// Reads of one descriptor in one turn.
inline constexpr int reads_per_turn = 4;
/// Reads that collect what a dead worker had sent: more than a socket buffer and the largest frame can hold.
inline constexpr int reads_of_drain = 1024;
/// Descriptors that a peer may be ahead of the frames that speak of them: a write that carries one carries no second.
inline constexpr std::size_t channel_descriptors = 16;
/// Until a descriptor is sent again that was over the kernel's budget of those in flight.
inline constexpr auto descriptor_retry = 2ms;
/// Bytes that wait to be written to one client. A client that does not read is held long before; this is for what
/// cannot be held, the results of calls that were begun. Beyond it the session ends.
inline constexpr std::size_t session_output_bytes = 64 * 1024 * 1024;
/// Above this many waiting bytes a session's requests are not read, none of its calls is begun and no piece of a stream
/// is fetched for it, until it has taken half of them.
inline constexpr std::size_t session_output_high_water_bytes = 1024 * 1024;
/// The same for descriptors of large results.
inline constexpr std::size_t session_output_descriptors = 8;
/// Large payloads that wait or run, of all callers together: each holds a descriptor of the supervisor.
inline constexpr std::size_t large_payloads = 256;
/// Calls of one session that have no outcome yet. A client that wants more waits for answers first.
inline constexpr std::size_t session_calls = 65'536;
/// Requests of one session that have no reply yet: those that wait for news, each with a little memory.
inline constexpr std::size_t session_requests = 16;
/// The longest timeout that a client can ask for; beyond it means the same to people, and would overflow the clock.
inline constexpr auto call_timeout_max = 24h * 30;
/// Bytes that wait to be written to one worker. Calls beyond it stay in the queue.
inline constexpr std::size_t worker_output_bytes = 1024 * 1024;

/// Calls that a worker may hold beyond the one it runs, however fast they are.
inline constexpr std::uint32_t credit_max = 16'384;
/// The work that a worker should hold ready: long enough to hide a wake-up, short enough to be taken back unnoticed.
inline constexpr auto credit_work = 200us;
/// How long a worker may be silent while it holds finished results or unstarted calls before the supervisor looks into
/// its black box, takes the results and gives the calls to somebody idle.
inline constexpr auto silence_before_look = 1ms;

/// Workers of one pool that have been replaced, or are too many, and still finish their calls, while another may be
/// replaced: each is a process beside those that the operator counts on.
inline constexpr std::size_t renewals_leaving = 4;

/// Between two looks at the memory of a worker whose pool has a `max_memory`: a read of /proc each.
inline constexpr auto memory_look = 1s;

/// A timer that comes later than this says that the supervisor itself was held up (stopped, or without a processor), so
/// that what somebody had that time for is no failure yet.
inline constexpr auto held_up = 1s;

/// Between being told that a worker has gone (its socket is closed) and its exit: what takes longer is killed.
inline constexpr auto exit_patience = 1s;
/// The same for a worker that is recording its crash, which takes it 2 s at most.
inline constexpr auto crash_patience = 3s;
/// For the keeper to answer an order.
inline constexpr auto keeper_patience = 5s;
/// For the keeper to end what it has started and itself, which takes it 1.5 s at most.
inline constexpr auto keeper_end_patience = 3s;
/// For a stack to be resolved; without it the report has addresses only.
inline constexpr auto symbolize_patience = 3s;
/// Crashes that wait for the symbolizer. Beyond it reports have addresses only.
inline constexpr std::size_t symbolize_queue = 32;
/// Resolved places that are remembered, so that a crash loop does not resolve the same stack again and again.
inline constexpr std::size_t symbol_cache_entries = 4096;

/// Inputs that are watched or refused as poison; the oldest that is not refused yet goes first.
inline constexpr std::size_t poison_entries = 1024;
/// Bytes of an input in a memfd that are read to know it again. Larger ones are never called poison.
inline constexpr std::size_t poison_input_bytes = 16 * 1024 * 1024;

/// Bytes of a library that is copied into memory for its workers; a larger one is loaded from its file.
inline constexpr std::size_t library_bytes = std::size_t{1024} * 1024 * 1024;
/// Until a library is read again that changed while it was read, or is being written: the first time, and at most.
inline constexpr auto library_retry = 100ms;
inline constexpr auto library_retry_max = 10s;
/// Folders that are watched: those of the configuration, of plugin_dir and of each pool's library, with the folders of
/// the symbolic links on the way.
inline constexpr std::size_t watched_folders = 1024;
/// Symbolic links on the way to one file, as in the kernel.
inline constexpr int links_on_a_way = 40;
/// Until a folder that could not be watched is tried again: the first time, and at most.
inline constexpr auto watch_retry_min = 500ms;
inline constexpr auto watch_retry_max = 60s;

/// Lines of a worker's output that its crash report shows.
inline constexpr std::size_t report_output_lines = 20;
/// Bytes of one such line.
inline constexpr std::size_t report_line_bytes = 512;
/// Bytes of one crash report as a file.
inline constexpr std::size_t report_file_bytes = 64 * 1024;
/// Bytes of error text, notes and messages that come from a worker.
inline constexpr std::size_t worker_text_bytes = 16 * 1024;

/// Methods of one pool that are measured each for itself, at about 5 KiB; the others together.
inline constexpr std::size_t measured_methods = 32;
/// Log lines that wait for a slow disk or terminal; beyond it the oldest are dropped and counted.
inline constexpr std::size_t log_queue_lines = 2048;
/// How long a log whose reader is behind is waited for when the service ends.
inline constexpr auto log_close_patience = 1s;
/// Lines and events that are remembered for those who ask what happened, and what they may take together.
inline constexpr std::size_t log_records = 4096;
inline constexpr std::size_t log_record_bytes = 1024 * 1024;
/// Lines of one answer to those who follow the log.
inline constexpr std::size_t log_answer_lines = 1000;
/// The longest that a request waits for news, and how many may wait at once.
inline constexpr auto news_wait_max = 30s;
inline constexpr std::size_t news_waiters = 64;
/// Connections over HTTP: each has a descriptor and its buffer.
inline constexpr std::size_t http_connections = 64;
/// Memory of one of them, headers and all; a request with larger headers is refused.
inline constexpr std::size_t http_connection_bytes = 32 * 1024;
/// Bytes of a request's body: it names things, it carries no data.
inline constexpr std::size_t http_body_bytes = 64 * 1024;
/// For a client to send a request, or to take its answer.
inline constexpr auto http_patience = 20s;
/// Pools of one service: each costs descriptors and memory.
inline constexpr std::size_t pools = 256;
/// Connections the kernel holds until they are accepted.
inline constexpr int listen_backlog = 128;

}  // namespace caisson::limits
