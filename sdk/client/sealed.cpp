// SPDX-License-Identifier: Apache-2.0
#include "client/sealed.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace caisson::client {
namespace {

constexpr int needed_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
// Bytes of one write; the kernel takes at most a little less than 2 GiB.
constexpr std::size_t write_bytes = std::size_t{256} * 1024 * 1024;

// Nothing when all was written, else the error number.
std::optional<int> write_all(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(descriptor, bytes.data(), std::min(bytes.size(), write_bytes));
        if (count < 0 && errno != EINTR) return errno;
        if (count == 0) return ENOSPC;
        if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return std::nullopt;
}

}  // namespace

std::expected<Descriptor, int> sealed_copy(std::span<const std::byte> bytes) {
    Descriptor memory{::memfd_create("caisson-body", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) return std::unexpected(errno);
    if (const auto error = write_all(memory.get(), bytes)) return std::unexpected(*error);
    if (::fcntl(memory.get(), F_ADD_SEALS, needed_seals | F_SEAL_SEAL) != 0) return std::unexpected(errno);
    return memory;
}

std::optional<std::uint64_t> sealed_size(int descriptor) {
    const int seals = ::fcntl(descriptor, F_GET_SEALS);
    struct stat status{};
    if (seals < 0 || (seals & needed_seals) != needed_seals || ::fstat(descriptor, &status) != 0) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace caisson::client
