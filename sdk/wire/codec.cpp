// SPDX-License-Identifier: Apache-2.0
#include "wire/codec.hpp"

#include <algorithm>
#include <cstring>

namespace caisson::wire {
namespace {

bool known(Type type) {
    switch (type) {
        case Type::hello:
        case Type::welcome:
        case Type::goodbye:
        case Type::call:
        case Type::cancel:
        case Type::batch:
        case Type::chunk:
        case Type::progress:
        case Type::result:
        case Type::outcome:
        case Type::memory:
        case Type::run:
        case Type::request:
        case Type::reply:
        case Type::setup:
        case Type::ready:
        case Type::failed:
        case Type::reopen:
        case Type::stop:
            return true;
    }
    return false;
}

void append(Buffer& out, std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

std::string_view word(CodecError error) {
    switch (error) {
        case CodecError::unknown_type:
            return "a frame of an unknown type";
        case CodecError::payload_too_large:
            return "a frame over the bound (max_payload_bytes)";
        case CodecError::head_beyond_payload:
            return "a frame whose head is larger than its payload";
        case CodecError::bad_encoding:
            return "a frame with an unknown encoding";
        case CodecError::bad_flags:
            return "a frame with unknown flags, or a body that is elsewhere and no number of bytes";
    }
    return "a broken frame";
}

std::optional<CodecError> check(const Header& header) {
    if (!known(header.type)) return CodecError::unknown_type;
    if (header.payload_size > max_payload_bytes) return CodecError::payload_too_large;
    if (header.head_size > header.payload_size) return CodecError::head_beyond_payload;
    if (header.encoding > Encoding::packed) return CodecError::bad_encoding;
    const bool elsewhere = (header.flags & (flag::detached | flag::boxed)) != 0;
    if (header.flags > flag::all || (elsewhere && header.payload_size - header.head_size != sizeof(std::uint64_t)))
        return CodecError::bad_flags;
    return std::nullopt;
}

void append_frame(Buffer& out, Header header, std::span<const std::byte> head, std::span<const std::byte> body) {
    append_frame(out, header, Frame::text(head), {}, body);
}

void append_frame(Buffer& out, Header header, std::string_view head, std::string_view head_rest,
                  std::span<const std::byte> body) {
    header.head_size = static_cast<std::uint32_t>(head.size() + head_rest.size());
    header.payload_size = static_cast<std::uint32_t>(header.head_size + body.size());
    append(out, std::as_bytes(std::span{&header, 1}));
    append(out, bytes_of(head));
    append(out, bytes_of(head_rest));
    append(out, body);
}

std::span<std::byte> FrameReader::prepare(std::size_t want) {
    keep(lent_.size());
    return make_room(want);
}

std::span<std::byte> FrameReader::make_room(std::size_t want) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (buffer_.size() - end_ < want && begin_ > 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
    }
    // A frame under way says how much is still to come. The growth follows what has arrived, at most doubling, so that
    // a header alone cannot make us allocate what it merely announces.
    if (buffer_.size() - end_ < want)
        buffer_.resize(std::max(end_ + want, std::min(end_ * 2, end_ + max_payload_bytes)));
    return std::span{buffer_}.subspan(end_);
}

void FrameReader::commit(std::size_t count) { end_ += count; }

void FrameReader::lend(std::span<const std::byte> bytes) {
    keep(lent_.size());
    lent_ = bytes;
}

void FrameReader::settle() {
    keep(lent_.size());
    if (begin_ != end_ || buffer_.empty()) return;
    Buffer().swap(buffer_);
    begin_ = end_ = 0;
}

void FrameReader::keep(std::size_t count) {
    if (count == 0) return;
    std::ranges::copy(lent_.first(count), make_room(count).begin());
    lent_ = lent_.subspan(count);
    commit(count);
}

std::size_t FrameReader::missing() const {
    const auto here = end_ - begin_;
    if (here < sizeof(Header)) return 0;
    Header header;
    std::memcpy(&header, buffer_.data() + begin_, sizeof header);
    const auto whole = sizeof header + header.payload_size;
    return whole > here ? whole - here : 0;
}

// What the frame under way lacks comes from the lent bytes: first its header, which says how much that is.
void FrameReader::complete() {
    const auto here = end_ - begin_;
    if (here < sizeof(Header)) keep(std::min(lent_.size(), sizeof(Header) - here));
    keep(std::min(lent_.size(), missing()));
}

std::optional<Frame> FrameReader::next() {
    const bool own = begin_ != end_;
    if (own && !lent_.empty()) complete();
    const auto bytes = own ? std::span<const std::byte>{buffer_}.subspan(begin_, end_ - begin_) : lent_;
    if (error_ || bytes.size() < sizeof(Header)) return std::nullopt;
    Frame frame;
    std::memcpy(&frame.header, bytes.data(), sizeof(Header));
    if ((error_ = check(frame.header))) return std::nullopt;
    if (bytes.size() - sizeof(Header) < frame.header.payload_size) return std::nullopt;
    frame.payload = bytes.subspan(sizeof(Header), frame.header.payload_size);
    const auto whole = sizeof(Header) + frame.header.payload_size;
    if (own)
        begin_ += whole;
    else
        lent_ = lent_.subspan(whole);
    return frame;
}

}  // namespace caisson::wire
