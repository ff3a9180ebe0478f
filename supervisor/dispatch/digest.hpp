// SPDX-License-Identifier: Apache-2.0
/// A short name of an input: equal inputs have equal names, and nobody outside can make two that collide. xxHash (XXH3,
/// 128 bits, seeded with a secret of this process) does the work, behind this header and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>

namespace caisson::dispatch {

struct Digest {
    std::uint64_t high = 0;
    std::uint64_t low = 0;
    bool operator==(const Digest&) const = default;
    /// 16 hexadecimal digits: enough to name one of a thousand.
    [[nodiscard]] std::string text() const;
};

/// The name of these parts in this order. Each part's size counts too.
[[nodiscard]] Digest digest_of(std::uint64_t secret, std::initializer_list<std::span<const std::byte>> parts);

struct DigestHash {
    std::size_t operator()(const Digest& digest) const { return static_cast<std::size_t>(digest.low); }
};

}  // namespace caisson::dispatch
