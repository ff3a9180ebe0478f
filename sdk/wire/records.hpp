// SPDX-License-Identifier: Apache-2.0
/// Records: how the items of a batch, and the outputs of a run, stand in one body. Each is its size (4 bytes,
/// little-endian) and its bytes; they follow each other to the end of the body.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "wire/codec.hpp"

namespace caisson::wire {

/// Bytes that a record needs beside its own.
inline constexpr std::size_t record_head_bytes = sizeof(std::uint32_t);

/// Appends one record. It must be smaller than 4 GiB.
inline void append_record(Buffer& out, std::span<const std::byte> bytes) {
    const auto size = static_cast<std::uint32_t>(bytes.size());
    const auto head = std::as_bytes(std::span{&size, 1});
    out.insert(out.end(), head.begin(), head.end());
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Appends records of equal size: `bytes`, cut into pieces of `record_bytes`, which divides it.
inline void append_records(Buffer& out, std::span<const std::byte> bytes, std::size_t record_bytes) {
    const auto size = static_cast<std::uint32_t>(record_bytes);
    const auto count = bytes.size() / record_bytes;
    auto at = out.size();
    out.resize(at + count * (record_head_bytes + record_bytes));
    for (std::size_t i = 0; i < count; ++i, at += record_head_bytes + record_bytes) {
        std::memcpy(out.data() + at, &size, sizeof size);
        if (record_bytes == sizeof(std::uint64_t))
            std::memcpy(out.data() + at + record_head_bytes, bytes.data() + i * record_bytes, sizeof(std::uint64_t));
        else
            std::memcpy(out.data() + at + record_head_bytes, bytes.data() + i * record_bytes, record_bytes);
    }
}

/// The bytes of records that are all of `record_bytes`, one after the other; false if one is not, and what was written
/// is of no use. `to` has room for all.
[[nodiscard]] inline bool copy_records(std::span<const std::byte> records, std::size_t record_bytes, std::byte* to) {
    const auto step = record_head_bytes + record_bytes;
    std::uint32_t other = 0;
    for (std::size_t at = 0; at + step <= records.size(); at += step, to += record_bytes) {
        std::uint32_t size = 0;
        std::memcpy(&size, records.data() + at, sizeof size);
        other |= size ^ static_cast<std::uint32_t>(record_bytes);
        if (record_bytes == sizeof(std::uint64_t))  // most are one number; a copy of known size is one instruction
            std::memcpy(to, records.data() + at + record_head_bytes, sizeof(std::uint64_t));
        else
            std::memcpy(to, records.data() + at + record_head_bytes, record_bytes);
    }
    return other == 0 && records.size() % step == 0;
}

/// Walks over records that come from another process.
class RecordReader {
   public:
    explicit RecordReader(std::span<const std::byte> body) : rest_(body) {}

    /// The next record; nothing at the end, or when what is left is none.
    [[nodiscard]] std::optional<std::span<const std::byte>> next() {
        std::uint32_t size = 0;
        if (rest_.size() < sizeof size) return std::nullopt;
        std::memcpy(&size, rest_.data(), sizeof size);
        if (rest_.size() - sizeof size < size) return std::nullopt;
        const auto record = rest_.subspan(sizeof size, size);
        rest_ = rest_.subspan(sizeof size + size);
        return record;
    }
    /// What was not walked over yet.
    [[nodiscard]] std::span<const std::byte> rest() const { return rest_; }
    /// True if everything was records.
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

   private:
    std::span<const std::byte> rest_;
};

}  // namespace caisson::wire
