// SPDX-License-Identifier: Apache-2.0
/// Short names of bytes: equal bytes have equal names. xxHash (XXH3, 128 bits) does the work, behind this header and
/// nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>

namespace caisson {

struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Digest&) const = default;
    /// 16 hexadecimal digits: enough to name one of a thousand.
    [[nodiscard]] std::string text() const;
    /// All 32 of them.
    [[nodiscard]] std::string full_text() const;
};

/// The name of these parts in this order. Each part's size counts too. With a secret that nobody outside knows, nobody
/// outside can make two inputs that collide.
[[nodiscard]] Digest digest_of(std::uint64_t secret, std::initializer_list<std::span<const std::byte>> parts);

/// The name of a file's bytes, as `xxhsum -H128` says it. It tells versions apart; it is no proof against forgery.
[[nodiscard]] Digest digest_of_bytes(std::span<const std::byte> bytes);

struct DigestHash {
    std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(digest.low); }
};

}  // namespace caisson
