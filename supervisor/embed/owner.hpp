// SPDX-License-Identifier: Apache-2.0
/// Which process something belongs to. A fork copies objects, but not the threads that serve them.
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "embed/pool/failure.hpp"

namespace caisson::embed {

class Owner {
   public:
    /// True in the process that made this object. Costs no system call.
    [[nodiscard]] bool here() const { return this_process() == pid_; }
    /// `what`: "this pool".
    void require(std::string_view what) const {
        if (!here()) throw PoolError(cat(what, " belongs to process ", pid_, " and was copied by fork: make another"));
    }

   private:
    /// The process's number, kept in a page that the kernel empties in every copy of the process, however it is made.
    [[nodiscard]] static pid_t this_process() {
        static std::atomic<pid_t>* const kept = page();
        if (kept == nullptr) return ::getpid();
        pid_t pid = kept->load(std::memory_order_relaxed);
        if (pid == 0) kept->store(pid = ::getpid(), std::memory_order_relaxed);
        return pid;
    }
    [[nodiscard]] static std::atomic<pid_t>* page() {
        const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) return nullptr;
        if (::madvise(at, bytes, MADV_WIPEONFORK) == 0) return new (at) std::atomic<pid_t>{0};
        ::munmap(at, bytes);
        return nullptr;
    }

    pid_t pid_ = this_process();
};

}  // namespace caisson::embed
