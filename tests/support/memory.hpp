// SPDX-License-Identifier: Apache-2.0
/// Memfds as a client makes them, and as it should not.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string_view>

#include "base/fd.hpp"

namespace caisson::test {

inline constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

/// A memfd with these bytes and seals.
[[nodiscard]] inline Fd memory_of(std::string_view bytes, int seals = all_seals) {
    Fd memory{::memfd_create("caisson-test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) throw std::runtime_error("no memfd");
    for (std::string_view rest = bytes; !rest.empty();) {
        const auto count = ::write(memory.get(), rest.data(), rest.size());
        if (count <= 0) throw std::runtime_error("a memfd cannot be written");
        rest.remove_prefix(static_cast<std::size_t>(count));
    }
    if (seals != 0 && ::fcntl(memory.get(), F_ADD_SEALS, seals) != 0) throw std::runtime_error("no seals");
    return memory;
}

}  // namespace caisson::test
