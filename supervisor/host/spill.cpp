// SPDX-License-Identifier: Apache-2.0
#include "host/spill.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace caisson::host {

void Spill::append(std::span<const std::byte> bytes) {
    if (!error_.empty()) return;
    const auto fail_with = [this](const char* what) {
        error_ = cat(what, ": ", std::generic_category().message(errno));
        memory_.reset();
    };
    if (!memory_) {
        memory_ = Fd{::memfd_create("caisson-output", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
        if (!memory_) return fail_with("memfd_create");
    }
    while (!bytes.empty()) {
        const auto count = ::write(memory_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return fail_with("writing to a memfd");
        bytes = bytes.subspan(static_cast<std::size_t>(count));
        bytes_ += static_cast<std::uint64_t>(count);
    }
}

Result<void> Spill::seal() {
    if (error_.empty() &&
        ::fcntl(memory_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        error_ = cat("sealing a memfd: ", std::generic_category().message(errno));
    if (!error_.empty()) return fail(cat("the output cannot be kept in memory: ", error_));
    return {};
}

void Spill::reset() {
    memory_.reset();
    bytes_ = 0;
    error_.clear();
}

}  // namespace caisson::host
