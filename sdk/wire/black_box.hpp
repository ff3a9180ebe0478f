// SPDX-License-Identifier: Apache-2.0
/// The black box: the memory that one worker shares with the supervisor, so that its death leaves a record.
///
/// One memfd per worker, made and sized by the supervisor, sealed against shrinking and growing, mapped by both. The
/// worker writes with release stores and no system call; the supervisor reads it as hostile input, for a plugin can
/// scribble over every byte: copy first, check the copy, believe nothing.
///
/// ## The output ring
/// Every byte that a worker sends to the supervisor is first written here. `written` counts the bytes of that stream
/// since the worker's start; byte n of the stream stands at `ring[n % ring_bytes]`. The worker then sends from the
/// ring, and keeps at most `ring_bytes` unsent. The supervisor counts what has arrived over the socket, so at any
/// moment the bytes [arrived, written) are those that were computed and not yet delivered. After a death it takes them
/// from here: nothing is lost and nothing is run twice, whatever instruction the worker died at. It may also take them
/// while the worker lives (a slow call must not hold back the results before it) and then drops the same bytes from the
/// socket.
///
/// The results of a batch's items go into one frame, a run, that stays open while items are added. Its header stands at
/// `written`, and `run_end` counts the bytes up to the end of its last complete record: a run that was never closed is
/// taken from there. Before the worker writes to the ring it says in `reserved` how far it will, so that a reader who
/// has copied bytes can tell whether they were still those that it meant.
///
/// ## Large bodies
/// A body above inline_body_bytes is copied through `input` or `output` if it fits and the place is free: one copy on
/// either side, into pages that are there already, where a fresh memfd costs several times as much for its pages. The
/// supervisor fills `input` for one call at a time, and again when that has been answered or taken back. The worker
/// fills `output` for one result at a time, and again when `output_taken` says that the supervisor has copied all of
/// those before. What does not fit goes into a memfd.
///
/// ## The claim word
/// `claim` is (generation << 49) | (closed << 48) | sequence of the last call claimed (48 bits: nine years of a million
/// a second; the generation is only compared for equality, and each close in flight has its `reopen` in the stream).
/// Calls are numbered 1, 2, 3… in the order in which they are sent. Before a call starts, the worker moves the word
/// from (g, open, n - 1 or any earlier number) to (g, open, n) by compare-and-swap. To take back what has not started,
/// the supervisor sets `closed` and a new generation in one exchange loop, and reads in the same word the last call
/// that had been claimed: every later one is its own again. It then sends the frame `reopen` with that generation. A
/// worker that finds the word closed drops calls until it meets `reopen`, then swaps (g, closed, n) for (g, open, n);
/// if the supervisor has closed again meanwhile, the swap fails and the worker goes on dropping until the next
/// `reopen`. A cancelled or dropped number is never claimed.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace caisson::wire {

inline constexpr std::uint32_t black_box_magic = 0xCA155031;
inline constexpr std::uint32_t black_box_version = 3;

/// Bytes of output that a worker may have computed and not yet sent. Must be a power of two.
inline constexpr std::uint32_t ring_bytes = 256 * 1024;
/// Bytes of a body that goes through the black box. They cost memory once they have been used: at most this, twice, for
/// each worker.
inline constexpr std::uint32_t boxed_bytes = 2 * 1024 * 1024;
/// Return addresses of a crash that are kept. Deep recursion repeats itself; the top says enough.
inline constexpr std::uint32_t max_frames = 64;
/// Bytes of a module's path in the record of a crash, with its end.
inline constexpr std::uint32_t max_module_path_bytes = 200;
/// Different modules in one record of a crash.
inline constexpr std::uint32_t max_modules = 16;

/// Where a start stands; the word of `setup_failed(step)`. Published before each step begins.
enum class SetupStep : std::uint32_t { handshake = 0, confine = 1, load = 2, create = 3, done = 4 };

/// What the worker does now.
enum class Activity : std::uint32_t { starting = 0, idle = 1, running = 2, stopping = 3 };

/// One return address, made relative where its module is known.
struct CrashFrame {
    std::uint64_t address;  ///< absolute
    std::uint64_t offset;   ///< address minus the module's load bias
    std::uint32_t module;   ///< index into `modules`, or no_module
    std::uint32_t reserved;
};
inline constexpr std::uint32_t no_module = 0xFFFFFFFF;

/// How far the record of a crash got: the handler itself can die.
enum class CrashProgress : std::uint32_t { none = 0, signal_recorded = 1, stack_recorded = 2 };

/// What the fatal-signal handler leaves.
struct CrashRecord {
    std::atomic<std::uint32_t> progress;  ///< CrashProgress, with release
    std::int32_t signal;
    std::int32_t code;       ///< si_code
    std::int32_t thread_id;  ///< the thread it happened on
    std::uint64_t address;   ///< si_addr
    std::uint64_t running;   ///< the sequence number of the call that ran, 0 if none
    std::uint32_t frame_count;
    std::uint32_t module_count;
    CrashFrame frames[max_frames];
    char modules[max_modules][max_module_path_bytes];  ///< zero-terminated
};

struct BlackBox {
    // Written by the supervisor before the worker starts.
    std::uint32_t magic;
    std::uint32_t version;
    std::uint64_t box_bytes;  ///< sizeof(BlackBox) of the supervisor

    // Written by the supervisor, read by the worker.
    alignas(64) std::atomic<std::uint64_t> cancel_sequence;  ///< the running call with this number should give up
    std::atomic<std::uint32_t> stopping;                     ///< non-zero: the running call should give up, whichever
    std::atomic<std::uint64_t> output_taken;                 ///< large results that were copied

    // Compare-and-swapped by both.
    alignas(64) std::atomic<std::uint64_t> claim;

    // Written by the worker.
    alignas(64) std::atomic<std::uint64_t> written;  ///< bytes of the output stream, with release
    std::atomic<std::uint64_t>
        run_end;  ///< end of the last record of the open run, with release; up to `written`: none
    std::atomic<std::uint64_t> reserved;   ///< no byte of the stream from here on has been touched in the ring
    std::atomic<std::uint64_t> running;    ///< sequence number of the call that runs, 0 if none
    std::atomic<std::int64_t> started_ns;  ///< CLOCK_MONOTONIC of its start
    std::atomic<std::uint32_t> activity;   ///< Activity
    std::atomic<std::uint32_t> step;       ///< SetupStep
    std::atomic<std::int64_t> beat_ns;     ///< CLOCK_MONOTONIC, every now and then while calls run; 0: nobody does that

    alignas(64) CrashRecord crash;
    alignas(64) std::byte ring[ring_bytes];
    alignas(4096) std::byte input[boxed_bytes];
    alignas(4096) std::byte output[boxed_bytes];
};
static_assert(std::is_standard_layout_v<BlackBox>);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);
static_assert((ring_bytes & (ring_bytes - 1)) == 0);

/// The claim word, taken apart.
struct Claim {
    static constexpr int sequence_bits = 48;
    static constexpr std::uint64_t sequence_mask = (std::uint64_t{1} << sequence_bits) - 1;

    std::uint16_t generation = 0;  ///< 15 bits
    bool closed = false;
    std::uint64_t sequence = 0;  ///< the last call claimed, 48 bits

    [[nodiscard]] static constexpr Claim from(std::uint64_t word) {
        return {static_cast<std::uint16_t>(word >> (sequence_bits + 1)), ((word >> sequence_bits) & 1) != 0,
                word & sequence_mask};
    }
    [[nodiscard]] constexpr std::uint64_t word() const {
        return (static_cast<std::uint64_t>(generation) << (sequence_bits + 1)) |
               (static_cast<std::uint64_t>(closed ? 1 : 0) << sequence_bits) | (sequence & sequence_mask);
    }
    /// The generation after this one; the same number comes again after 32,768 closes.
    [[nodiscard]] constexpr std::uint16_t next_generation() const {
        return static_cast<std::uint16_t>((generation + 1) & 0x7FFF);
    }
};

}  // namespace caisson::wire
