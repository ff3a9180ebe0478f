// SPDX-License-Identifier: Apache-2.0
#include "cli/input.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "wire/frame.hpp"

namespace caisson::cli {

Result<std::string> read_all(int descriptor, std::size_t max_bytes) {
    constexpr std::size_t step_bytes = 256 * 1024;
    std::string out;
    while (out.size() <= max_bytes) {
        const std::size_t before = out.size();
        out.resize(std::min(before + step_bytes, max_bytes + 1));
        const auto count = ::read(descriptor, out.data() + before, out.size() - before);
        const int number = errno;
        out.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        if (count == 0) break;
        if (count < 0 && number != EINTR) return fail_errno("cannot read the input", number);
    }
    return out;
}

Result<Fd> open_input(const std::string& path) {
    Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return fail_errno(cat("cannot open ", printable(path)), errno);
    struct stat status{};
    if (::fstat(file.get(), &status) == 0 && S_ISDIR(status.st_mode))
        return fail(cat(printable(path), " is a folder, not a file"));
    return file;
}

Result<std::string> read_body(const std::string& argument, int in) {
    if (argument == "-") return read_all(in, wire::max_body_bytes);
    if (!argument.starts_with('@')) return argument;
    const auto file = open_input(argument.substr(1));
    if (!file) return std::unexpected(file.error());
    return read_all(file->get(), wire::max_body_bytes);
}

}  // namespace caisson::cli
