// SPDX-License-Identifier: Apache-2.0
#include "host/diagnose.hpp"

#include <cxxabi.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <vector>

#include <caisson/plugin.h>
#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/elf_check.hpp"

namespace caisson::host {
namespace {

std::string_view kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return "a directory";
        case S_IFIFO:
            return "a FIFO";
        case S_IFSOCK:
            return "a socket";
        case S_IFCHR:
        case S_IFBLK:
            return "a device";
        default:
            return "no regular file";
    }
}

std::string owner_of(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr) return cat("uid ", uid);
    return cat(found->pw_name, " (uid ", uid, ")");
}

std::string octal(mode_t mode) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, mode & 07777U, 8).ptr;
    return "0" + std::string{digits, end};
}

std::string link_target(const std::string& path) {
    char target[4096];
    const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
    return size < 0 ? "?" : std::string{target, static_cast<std::size_t>(size)};
}

/// The file or the first of its parents that we may not use.
std::unexpected<Error> no_access(const std::string& path) {
    struct stat status{};
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
        const std::string parent = path.substr(0, slash);
        if (::access(parent.c_str(), X_OK) == 0 || ::stat(parent.c_str(), &status) != 0) continue;
        return fail(cat(path, ": the folder ", parent, " cannot be entered: mode ", octal(status.st_mode), ", owner ",
                        owner_of(status.st_uid), "; this process runs as ", owner_of(::geteuid())));
    }
    if (::stat(path.c_str(), &status) != 0) return fail_errno(path, errno);
    return fail(cat(path, " cannot be read: mode ", octal(status.st_mode), ", owner ", owner_of(status.st_uid),
                    "; this process runs as ", owner_of(::geteuid())),
                "chmod a+r the file, or chown it");
}

Result<void> inspect_kind(const std::string& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) {
        if (errno == EACCES) return no_access(path);
        if (errno == ENOENT) return fail(cat("there is no file ", path));
        return fail_errno(path, errno);
    }
    if (S_ISLNK(status.st_mode) && ::stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT)
            return fail(cat(path, " is a symbolic link to ", link_target(path), ", which does not exist"));
        if (errno == EACCES) return no_access(path);
        return fail_errno(cat(path, " is a symbolic link to ", link_target(path)), errno);
    }
    if (!S_ISREG(status.st_mode)) return fail(cat(path, " is ", kind_of(status.st_mode), ", not a shared library"));
    return {};
}

Result<void> inspect_bytes(const std::string& path, int file) {
    struct stat status{};
    if (::fstat(file, &status) != 0) return fail_errno(path, errno);
    if (!S_ISREG(status.st_mode)) return fail(cat(path, " is ", kind_of(status.st_mode), ", not a shared library"));

    std::vector<std::byte> start(elf_start_bytes);
    const ssize_t count = ::pread(file, start.data(), start.size(), 0);
    if (count < 0) return fail_errno(path, errno);
    start.resize(static_cast<std::size_t>(count));
    auto checked = check_elf(start, static_cast<std::uint64_t>(status.st_size));
    if (!checked) checked.error().what = cat(path, ": ", checked.error().what);
    return checked;
}

/// The word in `text` that ends at `end` and begins after a blank.
std::string_view word_before(std::string_view text, std::size_t end) {
    const std::size_t blank = text.rfind(' ', end == 0 ? 0 : end - 1);
    const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
    return text.substr(begin, end - begin);
}

std::string demangled(const std::string& symbol) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> name{abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status),
                                                      std::free};
    return name ? std::string{name.get()} : symbol;
}

}  // namespace

Result<void> inspect_library(const std::string& path, int image) {
    if (image >= 0) return inspect_bytes(path, image);
    if (auto done = inspect_kind(path); !done) return done;
    // O_NONBLOCK, for the file may have become a FIFO since.
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!file) return errno == EACCES ? Result<void>{no_access(path)} : Result<void>{fail_errno(path, errno)};
    return inspect_bytes(path, file.get());
}

Error explain_loader(const std::string& path, std::string_view text) {
    constexpr std::string_view undefined = "undefined symbol: ";
    if (const auto at = text.find(undefined); at != std::string_view::npos) {
        const std::string_view rest = text.substr(at + undefined.size());
        const std::string symbol{rest.substr(0, rest.find_first_of(" ,)\n"))};
        return {cat(path, " uses ", demangled(symbol), ", which nothing defines"),
                "link the plugin with the library that has it (-Wl,-z,defs finds this when it is built)"};
    }
    constexpr std::string_view cannot_open = ": cannot open shared object file: ";
    if (const auto at = text.find(cannot_open); at != std::string_view::npos) {
        const std::string_view library = word_before(text, at);
        if (library != path) {
            return {cat(path, " needs ", library, ", which cannot be opened: ", text.substr(at + cannot_open.size())),
                    "install the package that has it; `ldd` lists everything that the plugin needs"};
        }
    }
    constexpr std::string_view version = ": version `";
    if (const auto at = text.find(version); at != std::string_view::npos) {
        const std::string_view rest = text.substr(at + version.size());
        return {cat(path, " needs ", rest.substr(0, rest.find('\'')), " of ", word_before(text, at),
                    ", which is older on this host"),
                "build the plugin on a system that is not newer than this one"};
    }
    if (text.find("failed to map segment") != std::string_view::npos) {
        return {cat(path, " cannot be mapped: ", text),
                "the file system may be mounted noexec, or the memory limit of the pool too small"};
    }
    return {cat(path, " cannot be loaded: ", text), {}};
}

Error explain_missing_entry(const std::string& path, bool has_mangled) {
    if (has_mangled) {
        return {cat(path, " exports ", CAISSON_PLUGIN_ENTRY, " with a C++ name"), "declare it extern \"C\""};
    }
    return {cat(path, " is a shared library, but no Caisson plugin: it does not export ", CAISSON_PLUGIN_ENTRY),
            "use CAISSON_PLUGIN (C++) or define the function (C), and build with caisson_add_plugin()"};
}

}  // namespace caisson::host
