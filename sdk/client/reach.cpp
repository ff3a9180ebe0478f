// SPDX-License-Identifier: Apache-2.0
#include "client/reach.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <system_error>

namespace caisson::client {
namespace {

using Kind = ClientError::Kind;

std::unexpected<ClientError> error(Kind kind, std::string message) {
    return std::unexpected(ClientError{kind, std::move(message)});
}

std::string words(int number) { return std::generic_category().message(number); }

std::string user(uid_t uid) {
    passwd entry{};
    passwd* found = nullptr;
    char buffer[4096];
    if (::getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != nullptr) return entry.pw_name;
    return "uid " + std::to_string(uid);
}

std::string owner_and_mode(const struct stat& status) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(status.st_mode & 07777));
    return "it belongs to " + user(status.st_uid) + " and has mode " + mode;
}

// Who says no: the socket itself, or the first folder above it that may be looked at but not entered.
std::string who_denies(const std::filesystem::path& socket) {
    struct stat status{};
    if (::stat(socket.c_str(), &status) == 0) return owner_and_mode(status);
    for (auto folder = socket.parent_path(); !folder.empty(); folder = folder.parent_path()) {
        if (::stat(folder.c_str(), &status) == 0) return "folder " + folder.string() + ": " + owner_and_mode(status);
        if (folder == folder.parent_path()) break;
    }
    return "a folder above it may not be entered";
}

ClientError denied(const std::filesystem::path& socket) {
    return {Kind::denied, "permission denied for the socket " + socket.string() + ": " + who_denies(socket) +
                              ", and you are " + user(::geteuid())};
}

// Connecting to a plain file is refused with the same errno as to a socket that nobody listens on.
ClientError refused(const std::filesystem::path& socket) {
    struct stat status{};
    if (::stat(socket.c_str(), &status) == 0 && !S_ISSOCK(status.st_mode))
        return {Kind::no_service,
                socket.string() + " is not a socket; name the service's socket with --socket or CAISSON_SOCKET"};
    return {Kind::no_service, "no service at " + socket.string() +
                                  ": the socket is there, but nobody listens; the service has ended, start it with "
                                  "`caisson serve`"};
}

ClientError diagnose(const std::filesystem::path& socket, int number) {
    switch (number) {
        case ENOENT:
        case ENOTDIR:
            return {Kind::no_service,
                    "no service at " + socket.string() + ": " + words(number) + "; start one with `caisson serve`"};
        case ECONNREFUSED:
            return refused(socket);
        case EACCES:
        case EPERM:
            return denied(socket);
        case EPROTOTYPE:
            return {Kind::protocol, socket.string() + " is a socket of another kind, not a Caisson service's"};
        case EAGAIN:
        case EINPROGRESS:
            return {Kind::no_service, "the service at " + socket.string() + " is there but takes no new connections"};
        default:
            return {Kind::no_service, "no connection to " + socket.string() + ": " + words(number)};
    }
}

}  // namespace

std::expected<int, ClientError> reach(const std::filesystem::path& socket, std::chrono::milliseconds patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& path = socket.native();
    if (path.empty()) return error(Kind::no_service, "the path of the service's socket is empty");
    if (path.size() >= sizeof address.sun_path)
        return error(Kind::no_service, "the socket's path has " + std::to_string(path.size()) +
                                           " bytes, and the kernel takes at most " +
                                           std::to_string(sizeof address.sun_path - 1) + ": " + path);
    std::memcpy(address.sun_path, path.data(), path.size());

    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return error(Kind::no_service, "no socket could be made: " + words(errno));
    // A full backlog makes a Unix connect wait, for as long as the send timeout; a non-blocking one would fail at once
    // and there is no event that says when to try again.
    const auto wait = std::max(patience, std::chrono::milliseconds{1});
    const timeval limit{.tv_sec = wait.count() / 1000, .tv_usec = wait.count() % 1000 * 1000};
    ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int result = 0;
    do result = ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    while (result != 0 && errno == EINTR);
    if (result != 0 || ::fcntl(descriptor, F_SETFL, O_NONBLOCK) != 0) {
        const int number = errno;
        ::close(descriptor);
        return std::unexpected(diagnose(socket, number));
    }
    return descriptor;
}

}  // namespace caisson::client
