// SPDX-License-Identifier: Apache-2.0
#include "host/mapping.hpp"

#include <sys/mman.h>

#include <cerrno>
#include <system_error>

#include "base/text.hpp"

namespace caisson::host {

Mapping::Mapping(Fd memory, std::uint64_t bytes) {
    if (!memory) {
        error_ = "the input's memfd did not fit into limits.files";
        return;
    }
    if (bytes == 0) return;
    const auto size = static_cast<std::size_t>(bytes);
    // Private: a shared mapping of what is sealed against writing is refused by kernels before 6.7.
    void* const at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory.get(), 0);
    if (at == MAP_FAILED)
        error_ = cat("the input of ", bytes, " bytes cannot be mapped: ", std::generic_category().message(errno));
    else
        bytes_ = {static_cast<const std::byte*>(at), size};
}

Mapping::~Mapping() {
    // munmap() does not write through the pointer; its parameter has no const.
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace caisson::host
