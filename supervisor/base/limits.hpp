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

/// Lines of a worker's output that its crash report shows.
inline constexpr std::size_t report_output_lines = 20;
/// Bytes of one such line.
inline constexpr std::size_t report_line_bytes = 512;
/// Bytes of one crash report as a file.
inline constexpr std::size_t report_file_bytes = 64 * 1024;
/// Bytes of error text, notes and messages that come from a worker.
inline constexpr std::size_t worker_text_bytes = 16 * 1024;

/// Log lines that wait for a slow disk or terminal; beyond it the oldest are dropped and counted.
inline constexpr std::size_t log_queue_lines = 8192;
/// Pools of one service: each costs descriptors and memory.
inline constexpr std::size_t pools = 256;
/// Connections the kernel holds until they are accepted.
inline constexpr int listen_backlog = 128;

}  // namespace caisson::limits
