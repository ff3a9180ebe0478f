// SPDX-License-Identifier: Apache-2.0
#include "control/listener.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <memory>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "control/access.hpp"

namespace caisson::control {
namespace {

/// Connections that one turn takes, so that a flood of them does not keep the loop from the calls.
constexpr int accepts_per_turn = 16;

// Who looks into the lock sees whose it is.
Result<void> sign(const Fd& lock) {
    const auto own = std::to_string(::getpid());
    if (::ftruncate(lock.get(), 0) != 0 || ::pwrite(lock.get(), own.data(), own.size(), 0) < 0)
        return fail_errno("cannot write the lock beside the socket", errno);
    return {};
}

Result<Fd> lock_beside(const std::filesystem::path& path) {
    const auto name = path.native() + ".lock";
    Fd lock{::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock) return fail_errno(cat("cannot open the lock ", name), errno);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        std::array<char, 32> owner{};
        const auto length = ::pread(lock.get(), owner.data(), owner.size() - 1, 0);
        const std::string pid{owner.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
        return fail(cat("a service is already running at ", path.native(), pid.empty() ? "" : " (pid ", printable(pid),
                        pid.empty() ? "" : ")"),
                    "stop it with `caisson stop`, or choose another --socket");
    }
    if (auto done = sign(lock); !done) return std::unexpected(done.error());
    return lock;
}

// A connected socket, a file, another kind of socket: whatever it is, clients could not come in by it.
Result<void> check_listening(const Fd& socket, bool tcp = false) {
    const auto is = [&](int option, int wanted) {
        int value = -1;
        socklen_t size = sizeof value;
        return ::getsockopt(socket.get(), SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
    };
    if ((tcp || is(SO_DOMAIN, AF_UNIX)) && is(SO_TYPE, SOCK_STREAM) && is(SO_ACCEPTCONN, 1)) return {};
    return fail("the socket that was passed is no Unix stream socket that listens",
                "with systemd: ListenStream= with a path, and Accept=no");
}

Result<std::filesystem::path> path_of(const Fd& socket) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
        return fail_errno("getsockname", errno);
    constexpr std::size_t before = offsetof(sockaddr_un, sun_path);
    if (size <= before || address.sun_path[0] == '\0')
        return fail("the socket that was passed has no path", "with systemd: ListenStream= with a path");
    return std::filesystem::path{std::string{address.sun_path, ::strnlen(address.sun_path, size - before)}};
}

// The lock is ours, so whatever socket stands there belongs to nobody alive.
Result<void> clear(const std::filesystem::path& path) {
    struct stat status{};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode))
        return fail(cat(path.native(), " exists and is not a socket"), "remove it, or choose another service.socket");
    if (::unlink(path.c_str()) != 0) return fail_errno(cat("cannot remove the stale socket ", path.native()), errno);
    return {};
}

Result<void> make_folder(const std::filesystem::path& path) {
    std::error_code error;
    const auto folder = path.parent_path();
    if (folder.empty()) return {};
    std::filesystem::create_directories(folder, error);
    if (error)
        return fail(cat("cannot make the folder ", folder.native(), ": ", error.message()),
                    "make it, or choose another service.socket");
    struct stat status{};
    if (::stat(folder.c_str(), &status) != 0) return fail_errno(cat("cannot look at ", folder.native()), errno);
    // Who may rename in the folder can put a socket of his own in the place of ours. /tmp itself is sticky: there only
    // the owner can.
    const bool others_write = (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0;
    if (others_write || (status.st_uid != ::geteuid() && status.st_uid != 0))
        return fail(cat("the folder ", folder.native(), " belongs to another user or others can write to it"),
                    "make it the service's own (chmod go-w), or choose another service.socket");
    return {};
}

Result<void> set_rights(const std::filesystem::path& path, const settings::Access& access) {
    if (!access.group.empty()) {
        const auto group = group_id(access.group);
        if (!group) return std::unexpected(group.error());
        if (::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
            return fail_errno(cat("cannot give the socket to group ", access.group), errno);
    }
    unsigned mode = 0600;
    std::from_chars(access.mode.data(), access.mode.data() + access.mode.size(), mode, 8);
    if (::chmod(path.c_str(), static_cast<mode_t>(mode)) != 0) return fail_errno("cannot set the socket's mode", errno);
    return {};
}

}  // namespace

Result<Listener> Listener::bind(const std::filesystem::path& path, const settings::Access& access) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() >= sizeof address.sun_path)
        return fail(cat("the socket path is too long (", path.native().size(), " bytes, at most ",
                        sizeof address.sun_path - 1, "): ", path.native()),
                    "choose a shorter service.socket");
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    if (auto made = make_folder(path); !made) return std::unexpected(made.error());
    auto lock = lock_beside(path);
    if (!lock) return std::unexpected(lock.error());
    if (auto cleared = clear(path); !cleared) return std::unexpected(cleared.error());

    Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) return fail_errno("socket", errno);
    // Nobody gets in between bind and chmod.
    const mode_t before = ::umask(0177);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0) return fail_errno(cat("cannot bind ", path.native()), error);
    Listener listener{std::move(*lock), std::move(socket), path};
    if (auto set = set_rights(path, access); !set) return std::unexpected(set.error());
    if (::listen(listener.socket_.get(), limits::listen_backlog) != 0) return fail_errno("listen", errno);
    return listener;
}

Result<Listener> Listener::bind(const std::string& host, std::uint16_t port) {
    sockaddr_storage address{};
    auto& v4 = reinterpret_cast<sockaddr_in&>(address);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
    socklen_t size = 0;
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        address.ss_family = AF_INET;
        v4.sin_port = htons(port);
        size = sizeof v4;
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        address.ss_family = AF_INET6;
        v6.sin6_port = htons(port);
        size = sizeof v6;
    } else {
        return fail(cat(printable(host), " is no number of an address"));
    }
    Fd socket{::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) return fail_errno("socket", errno);
    // A service that starts again need not wait until the kernel has forgotten the connections of the one before.
    const int on = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
        ::listen(socket.get(), limits::listen_backlog) != 0)
        return fail_errno(cat("cannot listen at ", host, " port ", port), errno);
    return Listener{Fd{}, std::move(socket), {}};
}

std::uint16_t Listener::port() const {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (!path_.empty() || ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
    // The port stands at the same place in both.
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Result<Listener> Listener::inherit(Fd lock, Fd socket, const std::filesystem::path& path, bool ours) {
    if (auto listens = check_listening(socket, path.empty()); !listens) return std::unexpected(listens.error());
    Listener listener{std::move(lock), std::move(socket), path};
    listener.ours_ = ours;
    listener.claimed_ = false;
    return listener;
}

Result<Listener> Listener::adopt(Fd socket, bool ours) {
    if (auto listens = check_listening(socket); !listens) return std::unexpected(listens.error());
    const auto path = path_of(socket);
    if (!path) return std::unexpected(path.error());
    auto lock = lock_beside(*path);
    if (!lock) return std::unexpected(lock.error());
    if (auto set = sys::set_nonblocking(socket.get()); !set) return std::unexpected(set.error());
    ::fcntl(socket.get(), F_SETFD, FD_CLOEXEC);
    Listener listener{std::move(*lock), std::move(socket), *path};
    listener.ours_ = ours;
    if (auto claimed = listener.claim(); !claimed) return std::unexpected(claimed.error());
    return listener;
}

Listener::Listener(Fd lock, Fd socket, std::filesystem::path path)
    : lock_(std::move(lock)),
      socket_(std::move(socket)),
      reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      path_(std::move(path)) {}

Listener::~Listener() { close(); }

// listen() again changes nothing but whose pid those see who connect from now on.
Result<void> Listener::claim() {
    claimed_ = true;
    if (::listen(socket_.get(), limits::listen_backlog) != 0) return fail_errno("listen", errno);
    return lock_ ? sign(lock_) : Result<void>{};
}

void Listener::leave() {
    watch_ = {};
    socket_.reset();
    lock_.reset();
}

void Listener::close() {
    if (!socket_) return;
    watch_ = {};
    socket_.reset();
    if (ours_ && claimed_ && !path_.empty()) ::unlink(path_.c_str());
    lock_.reset();  // its file stays: removing it would let two services hold two files of one name
}

void Listener::accept(Loop& loop, Log& log, std::function<void(Fd)> on_connection) {
    log_ = &log;
    on_connection_ = std::move(on_connection);
    watch_ = loop.watch(socket_.get());
    watch_.on_readable([this] { accept_ready(); });
}

void Listener::accept_ready() {
    for (int i = 0; i < accepts_per_turn; ++i) {
        Fd connection{::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (connection) {
            on_connection_(std::move(connection));
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) refuse_one();
        if (errno == EINTR || errno == ECONNABORTED) continue;
        return;
    }
}

// Without a free descriptor accept() fails for ever and the loop would spin: free one, take the client, hang up.
void Listener::refuse_one() {
    log_->error("out of file descriptors: a client was turned away", {{"hint", "raise the limit of open files"}});
    reserve_.reset();
    Fd{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)}.reset();
    reserve_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    errno = EMFILE;
}

}  // namespace caisson::control
