// SPDX-License-Identifier: Apache-2.0
/// memcpy of 1 MiB: between the same two buffers, which stay in the cache, and through 256 MiB, as payloads that are
/// new each time. The second is the one that large payloads are compared with.
///
///     limit_memory_copy SECONDS
#include <vector>

#include "raw.hpp"

using namespace bench;

namespace {

constexpr std::size_t block_bytes = std::size_t{1024} * 1024;

/// Bytes per second of copies from one block to another, which go round `blocks` of them.
double copied(std::size_t blocks, double seconds) {
    const std::vector<std::byte> from(blocks * block_bytes, std::byte{1});
    std::vector<std::byte> to(blocks * block_bytes);
    std::uint64_t copies = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++copies) {
        const std::size_t at = copies % blocks * block_bytes;
        std::memcpy(to.data() + at, from.data() + at, block_bytes);
        asm volatile("" ::"r"(to.data()) : "memory");  // so that the copy is made
    }
    return static_cast<double>(copies * block_bytes) / seconds_since(start);
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_memory_copy SECONDS");
    const double cached = copied(1, seconds / 2);
    Report{}.add("cached_bytes_per_s", cached).add("rotating_bytes_per_s", copied(128, seconds / 2)).print();
}
