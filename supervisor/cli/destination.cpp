// SPDX-License-Identifier: Apache-2.0
#include "cli/destination.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include "base/text.hpp"

namespace caisson::cli {
namespace {

// A symbolic link is kept, and its file replaced.
std::string final_path(const std::string& path) {
    std::error_code error;
    const auto real = std::filesystem::canonical(path, error);
    return error ? path : real.string();
}

}  // namespace

Result<Destination> Destination::open(const std::string& path, int out) {
    Destination made;
    made.out_ = out;
    if (path.empty() || path == "-") return made;
    made.path_ = final_path(path);
    struct stat status{};
    const bool exists = ::stat(made.path_.c_str(), &status) == 0;
    const bool direct = exists && !S_ISREG(status.st_mode);
    if (!direct) made.temporary_ = cat(made.path_, ".caisson-", ::getpid());
    const int flags = direct ? O_WRONLY : O_WRONLY | O_CREAT | O_EXCL;
    const mode_t mode = exists ? status.st_mode & 0777 : 0666;
    made.file_.reset(::open((direct ? made.path_ : made.temporary_).c_str(), flags | O_CLOEXEC, mode));
    if (made.file_) return made;
    const int number = errno;
    made.temporary_.clear();
    return fail_errno(cat("cannot write ", printable(path)), number);
}

Destination::Destination(Destination&& other) noexcept
    : out_(other.out_),
      file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})) {}

Destination::~Destination() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<void> Destination::commit() {
    if (!file_) return {};
    // Some file systems tell of a full disk only now.
    if (::close(file_.release()) != 0 && errno != EINTR)
        return fail_errno(cat("cannot write ", printable(path_)), errno);
    if (temporary_.empty()) return {};
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0)
        return fail_errno(cat("cannot write ", printable(path_)), errno);
    temporary_.clear();
    return {};
}

}  // namespace caisson::cli
