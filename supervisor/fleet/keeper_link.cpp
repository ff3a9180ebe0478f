// SPDX-License-Identifier: Apache-2.0
#include "fleet/keeper_link.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::fleet {

using keeper::Notice;
using keeper::NoticeType;
using keeper::Order;
using keeper::OrderType;

KeeperLink::KeeperLink(Loop& loop, Log& log, std::filesystem::path program_dir)
    : loop_(loop), log_(log), program_dir_(std::move(program_dir)) {}

KeeperLink::~KeeperLink() {
    watch_ = {};
    socket_.reset();  // the keeper ends everything that it had started, then itself
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

Result<void> KeeperLink::ensure() {
    if (socket_) return {};
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    if (!pair) return std::unexpected(pair.error());
    auto& [ours, theirs] = *pair;
    // dup2 onto itself would leave close-on-exec set, so the source must be another number than the target.
    const Fd source{::fcntl(theirs.get(), F_DUPFD_CLOEXEC, keeper::order_descriptor + 1)};

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, source.get(), keeper::order_descriptor);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A session of its own: the terminal's Ctrl-C is for the supervisor, which ends the rest in order.
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    const auto program = (program_dir_ / "caisson-keeper").string();
    auto supervisor = std::to_string(::getpid());
    std::string name = "caisson-keeper";
    std::array<char*, 3> arguments{name.data(), supervisor.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail_errno(cat("cannot start ", program), error);
    if (auto set = sys::set_nonblocking(ours.get()); !set) return set;
    pid_ = pid;
    socket_ = std::move(ours);
    watch_ = loop_.watch(socket_.get());
    watch_.on_readable([this] { on_readable(); });
    log_.debug("keeper started", {{"pid", pid}});
    return {};
}

Result<std::uint64_t> KeeperLink::spawn(const Spawn& spawn, Handlers handlers) {
    if (auto ready = ensure(); !ready) return std::unexpected(ready.error());
    std::string strings;
    const auto add = [&](const std::vector<std::string>& list) {
        const auto before = strings.size();
        for (const auto& text : list) strings.append(text).push_back('\0');
        return static_cast<std::uint32_t>(strings.size() - before);
    };
    Order order{.type = OrderType::spawn, .number = static_cast<std::uint32_t>(spawn.program), .id = next_id_++};
    order.argument_bytes = add(spawn.arguments);
    order.environment_bytes = add(spawn.environment);
    if (sizeof order + strings.size() > keeper::max_order_bytes)
        return fail("the environment is larger than max_order_bytes (64 KiB)", "shorten env");
    if (auto sent = send(order, strings, spawn.descriptors); !sent) return std::unexpected(sent.error());
    live_[order.id] = std::make_shared<Handlers>(std::move(handlers));
    return order.id;
}

void KeeperLink::signal(std::uint64_t id, int signal) {
    if (!socket_ || !live_.contains(id)) return;
    // Best effort: whoever must be sure signals the pidfd as well.
    (void)send({.type = OrderType::signal, .number = static_cast<std::uint32_t>(signal), .id = id}, {}, {});
}

Result<void> KeeperLink::send(const Order& order, std::string_view strings, std::span<const int> descriptors) {
    std::array<iovec, 2> parts{{{const_cast<Order*>(&order), sizeof order},
                                {const_cast<char*>(strings.data()), strings.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(keeper::max_descriptors * sizeof(int))> control{};
    if (!descriptors.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        auto* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size_bytes());
    }
    while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        if (errno != EINTR) return fail_errno("cannot reach the keeper", errno);
    return {};
}

void KeeperLink::on_readable() {
    while (socket_) {
        Notice notice;
        iovec part{&notice, sizeof notice};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const auto got = ::recvmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return lose();
        Fd pidfd;
        if (auto* c = CMSG_FIRSTHDR(&message); c != nullptr && c->cmsg_type == SCM_RIGHTS) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c), sizeof number);
            pidfd.reset(number);
        }
        if (static_cast<std::size_t>(got) == sizeof notice) handle(notice, std::move(pidfd));
    }
}

void KeeperLink::handle(const Notice& notice, Fd pidfd) {
    const auto found = live_.find(notice.id);
    if (found == live_.end()) return;
    const auto handlers = found->second;  // the handler may order or forget others
    if (notice.type == NoticeType::spawned) return handlers->on_spawned(notice.pid, std::move(pidfd));
    live_.erase(found);
    if (notice.type == NoticeType::spawn_failed) return handlers->on_failed(notice.status);
    handlers->on_ended({.by_signal = notice.code != CLD_EXITED,
                        .number = notice.status,
                        .max_rss_bytes = notice.max_rss_bytes});
}

void KeeperLink::lose() {
    log_.error("the keeper died; its workers die with it, a new one is started", {{"pid", pid_}});
    watch_ = {};
    socket_.reset();
    if (pid_ > 0) ::waitpid(pid_, nullptr, WNOHANG);
    pid_ = 0;
    for (auto& [id, handlers] : std::exchange(live_, {})) handlers->on_ended({.lost = true});
}

}  // namespace caisson::fleet
