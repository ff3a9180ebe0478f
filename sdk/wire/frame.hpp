// SPDX-License-Identifier: Apache-2.0
/// One frame: a fixed header of 32 bytes and a payload of counted bytes. Both sockets of a call speak it: client to
/// supervisor, and supervisor to worker. docs/wire.md is the page for people.
///
/// History: version 1, the first.
///
/// All numbers are little-endian, and the header has no padding. A payload is at most two parts: `head_size` bytes that
/// describe (a target and params, an error text, a JSON document), and the rest, which is the body.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

namespace caisson::wire {

static_assert(std::endian::native == std::endian::little, "Caisson's wire is the memory of a little-endian machine");

inline constexpr std::uint16_t version_min = 1;
inline constexpr std::uint16_t version_max = 1;

/// Bytes of params in one call. A reason to be small: params say what to do, the body says what with.
inline constexpr std::uint32_t max_params_bytes = 64 * 1024;
/// Bytes of `pool.method` in one call.
inline constexpr std::uint32_t max_target_bytes = 256;
/// Methods of one plugin. A larger number is a descriptor that was read wrongly.
inline constexpr std::uint32_t max_methods = 1024;
/// Bytes of one body. Each waiting body is held in the supervisor's memory, so the bound is what one call may cost it.
inline constexpr std::uint32_t max_body_bytes = 16 * 1024 * 1024;
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
    call = 10,    ///< Client: head = target (a bytes) + params. Worker: a = method index, head = params.
    cancel = 11,  ///< Give up call `id`.

    // From the worker, and towards the client.
    chunk = 20,     ///< A piece of the output of call `id`; the body is the piece.
    progress = 21,  ///< a = fraction in parts per million; head = the note.
    result = 22,    ///< Worker only. a = status, head = error text, body = the last piece of output, time = run time.
    outcome = 23,   ///< Client only. a = OutcomeKind, head = JSON (nothing when ok), body = the last piece of output.

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

/// The header as it stands on the wire.
struct Header {
    std::uint32_t payload_size = 0;  ///< bytes after the header
    Type type{};
    Encoding encoding = Encoding::bytes;  ///< of the body
    std::uint16_t attempt = 0;            ///< call to a worker: 1 for the first start; 0 elsewhere
    std::uint64_t id = 0;                 ///< of the call or request; the sender of `call`/`request` chooses it
    std::uint32_t a = 0;                  ///< by type, see Type
    std::uint32_t head_size = 0;          ///< bytes of the payload before the body
    std::int64_t time_ns = 0;             ///< client call: timeout, 0 = the pool's, -1 = none; worker call: deadline on
                                          ///< CLOCK_MONOTONIC, 0 = none; result: how long the method ran,
                                          ///< -1: it was not started
};
static_assert(sizeof(Header) == 32 && std::is_trivially_copyable_v<Header>);
static_assert(std::has_unique_object_representations_v<Header>, "no padding may reach the wire");

/// A frame that was read: its parts point into the reader's buffer and live until the reader is asked for more.
struct Frame {
    Header header;
    std::span<const std::byte> payload;

    [[nodiscard]] std::span<const std::byte> head_bytes() const { return payload.first(header.head_size); }
    [[nodiscard]] std::string_view head() const { return text(head_bytes()); }
    [[nodiscard]] std::span<const std::byte> body() const { return payload.subspan(header.head_size); }

    [[nodiscard]] static std::string_view text(std::span<const std::byte> bytes) {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }
};

}  // namespace caisson::wire
