// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include "client/client.hpp"
#include "client/descriptor.hpp"

namespace caisson {

std::shared_ptr<const Memory> Memory::map(int descriptor, std::size_t size_bytes) {
    client::Descriptor owned{descriptor};
    std::span<const std::byte> bytes;
    if (size_bytes > 0) {  // the kernel maps no empty range
        // Before Linux 6.7 a shared mapping of a memfd that is sealed against writing was refused, even for reading.
        void* const start = ::mmap(nullptr, size_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (start == MAP_FAILED) return nullptr;
        bytes = {static_cast<const std::byte*>(start), size_bytes};
    }
    return std::shared_ptr<const Memory>{new Memory{owned.release(), bytes}};
}

Memory::~Memory() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    ::close(descriptor_);
}

}  // namespace caisson
