// SPDX-License-Identifier: Apache-2.0
/// Frames to bytes and back: an appending writer, and a reader that trusts nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wire/frame.hpp"

namespace caisson::wire {

using Buffer = std::vector<std::byte>;

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span{text.data(), text.size()});
}

/// Appends one frame. Sets the header's two sizes from the parts; the head may come in two pieces (target and params).
void append_frame(Buffer& out, Header header, std::span<const std::byte> head, std::span<const std::byte> body = {});
void append_frame(Buffer& out, Header header, std::string_view head, std::string_view head_rest,
                  std::span<const std::byte> body);

/// Why a byte stream is not a sequence of frames.
enum class CodecError : std::uint8_t {
    unknown_type,       ///< a type that this version does not know
    payload_too_large,  ///< more than max_payload_bytes
    head_beyond_payload,
    bad_encoding,
    bad_flags,
};
[[nodiscard]] std::string_view word(CodecError error);

/// Cuts a stream of bytes into frames.
///
/// Give it memory to read into (`prepare`), say how much arrived (`commit`), then take frames with `next` until it has
/// none. A frame stays valid until the next `prepare`. After an error the stream is dead: `next` returns nothing more.
class FrameReader {
   public:
    /// At least `want` writable bytes at the end of the buffer; moves unread bytes to the front, grows up to what the
    /// frame under way needs.
    [[nodiscard]] std::span<std::byte> prepare(std::size_t want);
    void commit(std::size_t count);

    [[nodiscard]] std::optional<Frame> next();
    [[nodiscard]] std::optional<CodecError> error() const { return error_; }
    /// True if a part of a frame has arrived and the rest has not.
    [[nodiscard]] bool midway() const { return end_ != begin_; }

   private:
    Buffer buffer_;
    std::size_t begin_ = 0;  // the first byte not yet taken
    std::size_t end_ = 0;    // one past the last byte that arrived
    std::optional<CodecError> error_;
};

/// Checks a header before anything is believed of it.
[[nodiscard]] std::optional<CodecError> check(const Header& header);

}  // namespace caisson::wire
