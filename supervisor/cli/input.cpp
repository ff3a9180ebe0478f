// SPDX-License-Identifier: Apache-2.0
#include "cli/input.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <span>
#include <vector>

#include "base/text.hpp"
#include "wire/frame.hpp"

namespace caisson::cli {
namespace {

// Bytes of one read of an input that goes into a memfd.
constexpr std::size_t input_piece_bytes = 1024 * 1024;

// One read: the bytes that it brought, none at the end.
Result<std::span<char>> read_some(int descriptor, std::span<char> room) {
    for (;;) {
        const auto count = ::read(descriptor, room.data(), room.size());
        if (count >= 0) return room.first(static_cast<std::size_t>(count));
        if (errno != EINTR) return fail_errno("cannot read the input", errno);
    }
}

Result<void> write_all(const Fd& memory, std::span<const char> bytes) {
    while (!bytes.empty()) {
        const auto count = ::write(memory.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("cannot hold the input in memory", errno);
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    return {};
}

// The rest of an input whose beginning is `begin`.
Result<Fd> into_memory(int descriptor, std::string_view begin) {
    Fd memory{::memfd_create("caisson-input", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    if (!memory) return fail_errno("cannot hold the input in memory", errno);
    std::vector<char> room(input_piece_bytes);
    std::uint64_t bytes = begin.size();
    if (auto written = write_all(memory, begin); !written) return std::unexpected(written.error());
    for (;;) {
        const auto piece = read_some(descriptor, room);
        if (!piece) return std::unexpected(piece.error());
        if (piece->empty()) break;
        bytes += piece->size();
        if (bytes > wire::max_memory_bytes) return fail("the input is larger than any body can be (max_memory_bytes)");
        if (auto written = write_all(memory, *piece); !written) return std::unexpected(written.error());
    }
    if (::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
        return fail_errno("cannot seal the input", errno);
    return memory;
}

Result<Body> read_whole(int descriptor) {
    Body body;
    std::string& text = body.text;
    // One byte more than fits tells that there is more.
    text.resize(wire::inline_body_bytes + 1);
    std::size_t size = 0;
    while (size < text.size()) {
        const auto piece = read_some(descriptor, std::span{text}.subspan(size));
        if (!piece) return std::unexpected(piece.error());
        if (piece->empty()) break;
        size += piece->size();
    }
    text.resize(size);
    if (size <= wire::inline_body_bytes) return body;
    auto memory = into_memory(descriptor, text);
    if (!memory) return std::unexpected(memory.error());
    return Body{.text = {}, .memory = std::move(*memory)};
}

}  // namespace

Result<Fd> open_input(const std::string& path) {
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return fail_errno(cat("cannot open ", printable(path)), errno);
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode))
        return fail(cat(printable(path), " is a folder, not a file"));
    return file;
}

Result<Body> read_body(const std::string& argument, int in) {
    if (argument == "-") return read_whole(in);
    if (!argument.starts_with('@')) return Body{.text = argument, .memory = {}};
    const auto file = open_input(argument.substr(1));
    if (!file) return std::unexpected(file.error());
    return read_whole(file->get());
}

}  // namespace caisson::cli
