// SPDX-License-Identifier: Apache-2.0
#include "host/spill.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace caisson::host {

void Spill::append(std::span<const std::byte> bytes) {
    if (append_to_box(bytes)) return;
    if (std::exchange(in_box_, false)) append_to_memory({box_.output, std::exchange(bytes_, 0)});
    append_to_memory(bytes);
}

bool Spill::append_to_box(std::span<const std::byte> bytes) {
    const bool begins = !used();
    if (begins && (!box_allowed_ || box_.output_taken.load(std::memory_order_acquire) != boxed_)) return false;
    if ((!begins && !in_box_) || bytes.size() > wire::boxed_bytes - bytes_) return false;
    in_box_ = true;
    std::memcpy(box_.output + bytes_, bytes.data(), bytes.size());
    bytes_ += bytes.size();
    return true;
}

void Spill::append_to_memory(std::span<const std::byte> bytes) {
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
    in_box_ = false;
    memory_.reset();
    bytes_ = 0;
    error_.clear();
}

}  // namespace caisson::host
