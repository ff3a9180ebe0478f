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
///
/// Who has many streams and little to read from each may read into memory of its own instead and lend it (`lend`):
/// frames are cut right out of it, and `settle` keeps a copy of what is left, mostly nothing.
class FrameReader {
   public:
    /// At least `want` writable bytes at the end of the buffer; moves unread bytes to the front, grows up to what the
    /// frame under way needs.
    [[nodiscard]] std::span<std::byte> prepare(std::size_t want);
    void commit(std::size_t count);

    /// The next bytes of the stream, which stay where they are until `settle` or `prepare`.
    void lend(std::span<const std::byte> bytes);
    /// Copies what is left of lent bytes, and gives memory back that holds nothing. Ends the life of frames.
    void settle();

    [[nodiscard]] std::optional<Frame> next();
    [[nodiscard]] std::optional<CodecError> error() const { return error_; }
    /// True if a part of a frame has arrived and the rest has not.
    [[nodiscard]] bool midway() const { return end_ != begin_ || !lent_.empty(); }
    /// Bytes that the frame under way still needs, as far as that is known; 0 if it has all, or there is none.
    [[nodiscard]] std::size_t missing() const;
    /// What has come and was not taken, after `settle`: for whoever goes on with the stream.
    [[nodiscard]] std::span<const std::byte> untaken() const {
        return std::span{buffer_}.subspan(begin_, end_ - begin_);
    }
    /// Bytes of memory that it has for itself.
    [[nodiscard]] std::size_t memory_bytes() const { return buffer_.capacity(); }

   private:
    [[nodiscard]] std::span<std::byte> make_room(std::size_t want);
    void keep(std::size_t count);  // of the lent bytes
    void complete();

    Buffer buffer_;
    std::size_t begin_ = 0;            // the first byte not yet taken
    std::size_t end_ = 0;              // one past the last byte that arrived
    std::span<const std::byte> lent_;  // comes after what the buffer has
    std::optional<CodecError> error_;
};

/// Checks a header before anything is believed of it.
[[nodiscard]] std::optional<CodecError> check(const Header& header);

}  // namespace caisson::wire
