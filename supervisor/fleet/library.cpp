// SPDX-License-Identifier: Apache-2.0
#include "fleet/library.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "base/writers.hpp"

namespace caisson::fleet {
namespace {

/// Bytes of one step of the copy; between two of them it can be given up. Not more, for a thread's heap keeps them.
constexpr std::size_t step_bytes = 64 * 1024;

// Debian 12's headers do not have it: an image is mapped, and never run as a program.
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

std::string stamp_of(const struct stat& facts) {
    const auto time = [](const timespec& at) { return cat(at.tv_sec, '.', at.tv_nsec); };
    return cat(facts.st_dev, ' ', facts.st_ino, ' ', facts.st_size, ' ', time(facts.st_mtim), ' ', time(facts.st_ctim));
}

std::unexpected<Error> changing(const std::filesystem::path& path) {
    return std::unexpected(Error{cat(path.native(), " changed while it was read"), {}, EAGAIN});
}

Result<Fd> new_memory() {
    Fd memory{::memfd_create("caisson-library", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)};
    if (!memory && errno == EINVAL)  // Linux before 6.3
        memory.reset(::memfd_create("caisson-library", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!memory) return fail_errno("memfd_create", errno);
    return memory;
}

Result<void> write_all(int to, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(to, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("a copy of the library in memory", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

/// The bytes that were copied.
Result<std::uint64_t> copy(int from, int to, const std::atomic<bool>& give_up) {
    std::vector<std::byte> step(step_bytes);
    for (std::uint64_t bytes = 0;;) {
        if (give_up) return fail("the reading was given up");
        const auto count = ::read(from, step.data(), step.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("reading the library", errno);
        if (count == 0) return bytes;
        bytes += static_cast<std::uint64_t>(count);
        if (bytes > limits::library_bytes) return bytes;  // it grew; whoever compares the sizes says so
        if (auto done = write_all(to, std::span{step}.first(static_cast<std::size_t>(count))); !done)
            return std::unexpected(done.error());
    }
}

bool has(std::string_view bytes, std::string_view part) {
    return ::memmem(bytes.data(), bytes.size(), part.data(), part.size()) != nullptr;
}

/// Why these bytes cannot be loaded from a memfd, if they cannot: they ask where they were loaded from. A name that
/// stands there for another reason costs nothing but the image.
std::string need_of_path(std::string_view bytes) {
    if (has(bytes, "$ORIGIN") || has(bytes, "${ORIGIN}"))
        return "it names libraries beside itself ($ORIGIN in its RUNPATH)";
    using namespace std::string_view_literals;
    for (const auto symbol : {"\0dladdr\0"sv, "\0dladdr1\0"sv, "\0dlinfo\0"sv})
        if (has(bytes, symbol)) return "it asks where it was loaded from (dladdr)";
    return {};
}

/// Names the bytes of a sealed memfd, and says how they can be loaded.
Result<void> judge(Library& library, std::uint64_t bytes) {
    void* const at = ::mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, library.image.get(), 0);
    if (at == MAP_FAILED) return fail_errno("mapping the copy of the library", errno);
    const std::span all{static_cast<const std::byte*>(at), bytes};
    library.hash = digest_of_bytes(all).full_text();
    library.by_path = need_of_path({static_cast<const char*>(at), bytes});
    ::munmap(at, bytes);
    return {};
}

}  // namespace

bool same_version(const LibraryRef& one, const LibraryRef& other) {
    if (one == other) return true;
    if (!one || !other || one->hash.empty() || one->hash != other->hash) return false;
    return (one->image && other->image) || one->path == other->path;
}

std::string stamp_of(const std::filesystem::path& file) {
    struct stat facts{};
    return ::stat(file.c_str(), &facts) == 0 ? stamp_of(facts) : std::string{};
}

Result<LibraryRef> read_library(const std::filesystem::path& path, const std::atomic<bool>& give_up) {
    // O_NONBLOCK: opening a FIFO must not wait for somebody who writes into it.
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) return fail_errno(path.native(), errno);
    struct stat before{};
    if (::fstat(file.get(), &before) != 0) return fail_errno(path.native(), errno);
    if (!S_ISREG(before.st_mode)) return fail(cat(path.native(), " is no regular file"));
    if (sys::being_written(file.get())) return changing(path);
    if (before.st_size == 0) return fail(cat(path.native(), " is empty"));
    const auto size = static_cast<std::uint64_t>(before.st_size);
    if (size > limits::library_bytes)
        return fail(cat(path.native(), " has ", size, " bytes, above the bound of ", limits::library_bytes));

    auto memory = new_memory();
    if (!memory) return std::unexpected(memory.error());
    const auto copied = copy(file.get(), memory->get(), give_up);
    if (!copied) return std::unexpected(copied.error());
    // The file that has the name now must be the one that was read, as it was when the reading began.
    const auto stamp = stamp_of(before);
    if (*copied != size || stamp_of(path) != stamp) return changing(path);
    constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    if (::fcntl(memory->get(), F_ADD_SEALS, seals) != 0) return fail_errno("sealing the copy of the library", errno);

    Library library{.path = path, .hash = {}, .stamp = stamp, .image = std::move(*memory), .by_path = {}};
    if (auto done = judge(library, size); !done) return std::unexpected(done.error());
    if (!library.by_path.empty()) library.image.reset();
    return std::make_shared<const Library>(std::move(library));
}

}  // namespace caisson::fleet
