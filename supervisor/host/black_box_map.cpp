// SPDX-License-Identifier: Apache-2.0
#include "host/black_box_map.hpp"

#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>

namespace caisson::host {

Result<wire::BlackBox*> map_black_box(int descriptor) {
    struct stat status{};
    if (::fstat(descriptor, &status) != 0) return fail_errno("the black box's descriptor", errno);
    if (static_cast<std::size_t>(status.st_size) < sizeof(wire::BlackBox)) return fail("the black box is too small");
    void* memory = ::mmap(nullptr, sizeof(wire::BlackBox), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (memory == MAP_FAILED) return fail_errno("mapping the black box", errno);
    if (::madvise(memory, sizeof(wire::BlackBox), MADV_DONTFORK) != 0) {
        return fail_errno("keeping the black box from forks", errno);
    }
    auto* box = static_cast<wire::BlackBox*>(memory);
    if (box->magic != wire::black_box_magic || box->version != wire::black_box_version ||
        box->box_bytes != sizeof(wire::BlackBox)) {
        return fail("the black box is of another build", "install caisson and caisson-worker from one package");
    }
    return box;
}

}  // namespace caisson::host
