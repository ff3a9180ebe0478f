// SPDX-License-Identifier: Apache-2.0
/// One frame: a fixed header of 32 bytes and a payload of counted bytes. Both sockets of a call speak it: client to
/// supervisor, and supervisor to worker. docs/wire.md is the page for people.
///
/// History: version 1, the first. Version 2: flags, priorities, retries, batches, memfds.
///
/// All numbers are little-endian, and the header has no padding. A payload is at most two parts: `head_size` bytes that
/// describe (a target and params, an error text, a JSON document), and the rest, which is the body.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace caisson::wire {

static_assert(std::endian::native == std::endian::little, "Caisson's wire is the memory of a little-endian machine");

inline constexpr std::uint16_t version_min = 2;
inline constexpr std::uint16_t version_max = 2;

/// Bytes of params in one call. A reason to be small: params say what to do, the body says what with.
inline constexpr std::uint32_t max_params_bytes = 64 * 1024;
/// Bytes of `pool.method` in one call.
inline constexpr std::uint32_t max_target_bytes = 256;
/// Methods of one plugin. A larger number is a descriptor that was read wrongly.
inline constexpr std::uint32_t max_methods = 1024;
/// Bytes of one body that travels in its frame. Each waiting body is held in the supervisor's memory, so the bound is
/// what one call may cost it. Senders put anything above inline_body_bytes into a memfd.
inline constexpr std::uint32_t max_body_bytes = 16 * 1024 * 1024;
/// Up to here a body is copied with its frame; above, handing over a memfd is cheaper than copying twice.
inline constexpr std::uint32_t inline_body_bytes = 64 * 1024;
/// Bytes of one body in a memfd. The supervisor never maps it; the bound keeps sums of sizes far from overflow.
inline constexpr std::uint64_t max_memory_bytes = std::uint64_t{1} << 40;
/// Items of one batch: what one frame may make the supervisor account for.
inline constexpr std::uint32_t max_batch_items = 4096;
/// Bytes of the items of one batch, so that a batch is no way around the bound of a body.
inline constexpr std::uint32_t max_batch_bytes = 1024 * 1024;
/// Priorities of calls go from here to -min; larger goes first, 0 is the usual one.
inline constexpr int min_priority = -10;
inline constexpr int max_priority = 10;
/// The most retries that a call may be given.
inline constexpr std::uint32_t max_retries = 100;
/// Bytes of a JSON document (status, reports) in one frame.
inline constexpr std::uint32_t max_document_bytes = 16 * 1024 * 1024;
/// Bytes of a whole payload: checked before any memory is allocated for it.
inline constexpr std::uint32_t max_payload_bytes = max_body_bytes + max_params_bytes + max_target_bytes;

/// What the frame is. Numbers are never reused; who may send which is in `docs/wire.md`.
enum class Type : std::uint8_t {
    // Both sockets.
    hello = 1,    ///< I speak versions a (low 16 bits: min, high: max); head: JSON about the sender. The first frame.
    welcome = 2,  ///< Version a it is; head: JSON about the sender. The first answer.
    goodbye = 3,  ///< The session ends; head: the reason as JSON. Nothing follows.

    // Towards the worker, and from the client.
    call = 10,    ///< Client: a = Target, head = target + params. Worker: a = method index, head = params.
    cancel = 11,  ///< Give up call or batch `id`.
    batch = 12,  ///< As call, but the body is records (wire/records.hpp), each the body of one item. Towards the worker
                 ///< `id` is the number of the first item, and the others count on.

    // From the worker, and towards the client.
    chunk = 20,     ///< A piece of the output of call `id`, which has flag::stream; the body is the piece.
    progress = 21,  ///< a = fraction in parts per million; head = the note.
    result = 22,    ///< Worker only. a = status, head = error text, body = the last piece of output, time = run time.
    outcome = 23,   ///< Client only. a = OutcomeKind, head = JSON (nothing when ok), body = the last piece of output,
                    ///< time = ItemRange: of a batch, which items ended so.
    memory = 24,    ///< Worker only: nothing but the carrier of the memfd that the next detached frame speaks of.
    run = 25,  ///< Items, one after the other, are ok; the body is records, their outputs. Worker: `id` is the number
               ///< of the first, time = how long all ran. Client: of batch `id`, from item `a` on, first attempts.

    // Client only: operating the service.
    request = 30,  ///< head = JSON {"verb": …}.
    reply = 31,    ///< head = JSON; a = 0 if the request was done, 1 if it was refused.

    // Worker only.
    setup = 40,   ///< Supervisor to worker, once, first: head = JSON.
    ready = 41,   ///< Worker to supervisor: head = JSON, what the plugin offers.
    failed = 42,  ///< Worker to supervisor: it could not start; head = JSON {"step", "message"}.
    reopen = 43,  ///< Supervisor to worker: forget every call before this frame; a = claim generation.
    stop = 44,    ///< Supervisor to worker: no more calls; finish, destroy, exit.
};

/// What the bytes of a body mean; equal to caisson_encoding.
enum class Encoding : std::uint8_t { bytes = 0, json = 1, packed = 2 };

/// Bits of Header::flags.
namespace flag {
/// The body is not in the payload but in a memfd, sealed against every change (F_SEAL_SHRINK, GROW and WRITE), that
/// came with this frame or before it; in its place stands the number of its bytes, 8 bytes long. Descriptors and the
/// frames that speak of them are in the same order.
inline constexpr std::uint8_t detached = 1;
/// call: the output is wanted in pieces, while the method writes it.
inline constexpr std::uint8_t stream = 2;
/// call and batch of a client: it goes on when the client goes.
inline constexpr std::uint8_t keep = 4;
/// Supervisor and worker only. The body is not in the payload but in the black box (BlackBox::input of a call,
/// BlackBox::output of a result); in its place stands the number of its bytes, 8 bytes long.
inline constexpr std::uint8_t boxed = 8;
/// call to a worker: whoever gets the result copies it, so a large one may come in the black box.
inline constexpr std::uint8_t copied = 16;
inline constexpr std::uint8_t all = 31;
}  // namespace flag

/// The header as it stands on the wire.
struct Header {
    std::uint32_t payload_size = 0;  ///< bytes after the header
    Type type{};
    Encoding encoding = Encoding::bytes;  ///< of the body
    std::uint8_t flags = 0;               ///< of namespace flag
    std::uint8_t attempt = 0;     ///< client call: 0, or 1 + how often it may be retried; worker call: which start
                                  ///< this is, from 1; outcome: starts that were made
    std::uint64_t id = 0;         ///< of the call or request; the sender of `call`/`request` chooses it
    std::uint32_t a = 0;          ///< by type, see Type
    std::uint32_t head_size = 0;  ///< bytes of the payload before the body
    std::int64_t time_ns = 0;     ///< client call: timeout, 0 = the pool's, -1 = none; worker call: deadline on
                                  ///< CLOCK_MONOTONIC, 0 = none; result and run: how long the method ran,
                                  ///< -1: it was not started
};
static_assert(sizeof(Header) == 32 && std::is_trivially_copyable_v<Header>);
static_assert(std::has_unique_object_representations_v<Header>, "no padding may reach the wire");

/// Header::a of a client's call: how long the target is, and how urgent the call.
struct Target {
    std::uint16_t bytes = 0;
    std::int8_t priority = 0;

    [[nodiscard]] static constexpr Target from(std::uint32_t a) {
        return {static_cast<std::uint16_t>(a & 0xFFFF), static_cast<std::int8_t>((a >> 16) & 0xFF)};
    }
    [[nodiscard]] constexpr std::uint32_t packed() const {
        return std::uint32_t{static_cast<std::uint8_t>(priority)} << 16 | bytes;
    }
};

/// Header::time_ns of an outcome: which items of a batch it is about. A call is item 0 of 1 and says 0.
struct ItemRange {
    std::uint32_t first = 0;
    std::uint32_t count = 1;

    [[nodiscard]] static constexpr ItemRange from(std::int64_t time_ns) {
        const auto bits = static_cast<std::uint64_t>(time_ns);
        const auto count = static_cast<std::uint32_t>(bits >> 32);
        return {static_cast<std::uint32_t>(bits), count == 0 ? 1 : count};
    }
    [[nodiscard]] constexpr std::int64_t packed() const {
        return static_cast<std::int64_t>(std::uint64_t{count} << 32 | first);
    }
    bool operator==(const ItemRange&) const = default;
};

/// A frame that was read: its parts point into the reader's buffer and live until the reader is asked for more.
struct Frame {
    Header header;
    std::span<const std::byte> payload;

    [[nodiscard]] std::span<const std::byte> head_bytes() const { return payload.first(header.head_size); }
    [[nodiscard]] std::string_view head() const { return text(head_bytes()); }
    [[nodiscard]] std::span<const std::byte> body() const { return payload.subspan(header.head_size); }
    [[nodiscard]] bool has(std::uint8_t bit) const { return (header.flags & bit) != 0; }
    /// Of a detached or boxed frame: the bytes of its body.
    [[nodiscard]] std::uint64_t memory_bytes() const {
        std::uint64_t bytes = 0;
        if (body().size() == sizeof bytes) std::memcpy(&bytes, body().data(), sizeof bytes);
        return bytes;
    }

    [[nodiscard]] static std::string_view text(std::span<const std::byte> bytes) {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};

}  // namespace caisson::wire
