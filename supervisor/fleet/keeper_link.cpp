// SPDX-License-Identifier: Apache-2.0
#include "fleet/keeper_link.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::fleet {

using keeper::Notice;
using keeper::NoticeType;
using keeper::Order;
using keeper::OrderType;

KeeperLink::KeeperLink(Loop& loop, Log& log, std::filesystem::path program_dir)
    : loop_(loop), log_(log), program_dir_(std::move(program_dir)), patience_(loop.timer()) {
    static_cast<void>(open_programs());  // tried again, and what is wrong said, when the keeper is wanted
}

KeeperLink::~KeeperLink() {
    watch_ = {};
    // The keeper ends everything that it had started, then itself. Shut down, not only closed: a child that the program
    // around us has forked may hold a copy of the socket.
    if (socket_) ::shutdown(socket_.get(), SHUT_RDWR);
    socket_.reset();
    end_keeper(limits::keeper_end_patience);
}

// Waits for the keeper's end, kills it when that takes too long, and reaps it unless somebody else has.
void KeeperLink::end_keeper(Duration patience) {
    pid_ = 0;
    if (!pidfd_) return;
    const auto until = Clock::now() + patience;
    pollfd end{pidfd_.get(), POLLIN, 0};
    int ended = 0;
    do {
        const auto left = std::max(Duration::zero(), until - Clock::now());
        ended = ::poll(&end, 1, static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count()));
    } while (ended < 0 && errno == EINTR);
    if (ended != 1) sys::pidfd_signal(pidfd_.get(), SIGKILL);
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {
    }
    pidfd_.reset();
}

Result<void> KeeperLink::open_programs() {
    const auto open_one = [&](const char* name) -> Result<Fd> {
        const auto path = (program_dir_ / name).string();
        Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
        if (!file) return fail_errno(cat("cannot open ", path), errno);
        return file;
    };
    if (keeper_) return {};
    std::vector<Fd> programs;
    for (const char* const name : keeper::program_files) {
        auto file = open_one(name);
        if (!file) return std::unexpected(file.error());
        programs.push_back(std::move(*file));
    }
    auto own = open_one("caisson-keeper");
    if (!own) return std::unexpected(own.error());
    keeper_ = std::move(*own);
    programs_ = std::move(programs);
    return {};
}

Result<void> KeeperLink::ensure() {
    if (socket_) return {};
    if (auto opened = open_programs(); !opened) return opened;
    auto pair = sys::socket_pair(SOCK_SEQPACKET);
    if (!pair) return std::unexpected(pair.error());
    auto& [ours, theirs] = *pair;
    // dup2 onto itself would leave close-on-exec set, and onto another source would lose that one: so the sources stand
    // above all targets.
    constexpr int above = keeper::first_program_descriptor + int{std::size(keeper::program_files)};
    std::vector<Fd> sources;
    sources.emplace_back(::fcntl(theirs.get(), F_DUPFD_CLOEXEC, above));
    for (const auto& program : programs_) sources.emplace_back(::fcntl(program.get(), F_DUPFD_CLOEXEC, above));
    const Fd self{::fcntl(keeper_.get(), F_DUPFD_CLOEXEC, above)};
    for (const auto& source : sources)
        if (!source || !self) return fail_errno("cannot pass a descriptor to the keeper", errno);

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    static_assert(keeper::first_program_descriptor == keeper::order_descriptor + 1);
    for (int target = keeper::order_descriptor; const auto& source : sources)
        posix_spawn_file_actions_adddup2(&actions, source.get(), target++);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    // A session of its own: the terminal's Ctrl-C is for the supervisor, which ends the rest in order. And nothing of
    // what the program around us does with signals: an ignored SIGCHLD would hide the ends of workers from the keeper.
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const auto program = cat("/proc/self/fd/", self.get());
    auto supervisor = std::to_string(::getpid());
    std::string name = "caisson-keeper";
    std::array<char*, 3> arguments{name.data(), supervisor.data(), nullptr};
    std::array<char*, 1> environment{nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) return fail_errno(cat("cannot start ", (program_dir_ / "caisson-keeper").native()), error);
    if (auto set = sys::set_nonblocking(ours.get()); !set) return set;
    pid_ = pid;
    if (auto pidfd = sys::pidfd_open(pid)) pidfd_ = std::move(*pidfd);
    socket_ = std::move(ours);
    watch_ = loop_.watch(socket_.get());
    watch_.on_readable([this] { on_readable(); });
    log_.debug("keeper started", {{"pid", pid}});
    return {};
}

Result<std::uint64_t> KeeperLink::spawn(const Spawn& spawn, Handlers handlers) {
    if (auto ready = ensure(); !ready) return std::unexpected(ready.error());
    Waiting next{
        .order = {.type = OrderType::spawn, .number = static_cast<std::uint32_t>(spawn.program), .id = next_id_++},
        .strings = {},
        .descriptors = {}};
    const auto add = [&](const std::vector<std::string>& list) {
        const auto before = next.strings.size();
        for (const auto& text : list) next.strings.append(text).push_back('\0');
        return static_cast<std::uint32_t>(next.strings.size() - before);
    };
    if (spawn.zygote != 0) {
        next.order.type = OrderType::copy;
        next.order.zygote = spawn.zygote;
    }
    next.order.argument_bytes = add(spawn.arguments);
    next.order.environment_bytes = add(spawn.environment);
    if (sizeof next.order + next.strings.size() > keeper::max_order_bytes)
        return fail("the environment is larger than max_order_bytes (64 KiB)", "shorten env");
    for (const int descriptor : spawn.descriptors) {
        next.descriptors.emplace_back(::fcntl(descriptor, F_DUPFD_CLOEXEC, 0));
        if (!next.descriptors.back()) return fail_errno("cannot pass a descriptor to the keeper", errno);
    }
    const auto id = next.order.id;
    live_[id] = std::make_shared<Handlers>(std::move(handlers));
    ++unanswered_;
    expect_answer();
    order(std::move(next));
    return id;
}

void KeeperLink::signal(std::uint64_t id, int signal) {
    if (!socket_ || !live_.contains(id)) return;
    order({.order = {.type = OrderType::signal, .number = static_cast<std::uint32_t>(signal), .id = id},
           .strings = {},
           .descriptors = {}});
}

void KeeperLink::order(Waiting order) {
    waiting_.push_back(std::move(order));
    send_waiting();
}

void KeeperLink::send_waiting() {
    while (!waiting_.empty() && !waiting_writable_) {
        if (!send(waiting_.front())) return;
        waiting_.pop_front();
    }
}

// False if the socket is full; it goes on when there is room again. An error means that the keeper is gone, which the
// reading side finds.
bool KeeperLink::send(const Waiting& waiting) {
    std::vector<int> numbers;
    numbers.reserve(waiting.descriptors.size());
    for (const auto& descriptor : waiting.descriptors) numbers.push_back(descriptor.get());
    const auto bytes = std::span{numbers}.size_bytes();
    std::array<iovec, 2> parts{{{const_cast<Order*>(&waiting.order), sizeof waiting.order},
                                {const_cast<char*>(waiting.strings.data()), waiting.strings.size()}}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    alignas(cmsghdr) std::array<char, CMSG_SPACE(keeper::max_descriptors * sizeof(int))> control{};
    if (!numbers.empty()) {
        message.msg_control = control.data();
        message.msg_controllen = CMSG_SPACE(bytes);
        auto* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(bytes);
        std::memcpy(CMSG_DATA(c), numbers.data(), bytes);
    }
    while (::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno == EINTR) continue;
        // ETOOMANYREFS: the descriptors in flight are a budget of the user; the keeper is about to take some.
        if (errno != EAGAIN && errno != ETOOMANYREFS) return true;
        waiting_writable_ = true;
        watch_.on_writable_once([this] {
            waiting_writable_ = false;
            send_waiting();
        });
        return false;
    }
    return true;
}

// Each notice is a sign of life. Before the keeper is given up, what it has sent meanwhile is read: this process may
// have been stopped and not the keeper.
void KeeperLink::expect_answer() {
    if (unanswered_ == 0) return patience_.cancel();
    patience_.arm_after(limits::keeper_patience, [this] {
        const auto before = unanswered_;
        on_readable();
        if (!socket_ || unanswered_ == 0 || unanswered_ != before) return;
        log_.event("keeper_silent", LogLevel::error, "the keeper does not answer", {{"pid", pid_}});
        sys::pidfd_signal(pidfd_.get(), SIGKILL);
    });
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
    if (notice.type == NoticeType::paused || notice.type == NoticeType::continued) {
        if (handlers->on_paused) handlers->on_paused(notice.type == NoticeType::paused);
        return;
    }
    if (notice.type != NoticeType::exited) {
        --unanswered_;
        expect_answer();
    }
    if (notice.type == NoticeType::spawned) return handlers->on_spawned(notice.pid, std::move(pidfd));
    live_.erase(found);
    if (notice.type == NoticeType::spawn_failed) return handlers->on_failed(notice.status);
    handlers->on_ended(
        {.by_signal = notice.code != CLD_EXITED, .number = notice.status, .max_rss_bytes = notice.max_rss_bytes});
}

void KeeperLink::lose() {
    log_.event("keeper_died", LogLevel::error, "the keeper died; its workers die with it, a new one is started",
               {{"pid", pid_}});
    watch_ = {};
    socket_.reset();
    waiting_.clear();
    waiting_writable_ = false;
    unanswered_ = 0;
    patience_.cancel();
    end_keeper(Duration::zero());  // its end of the socket is closed, so it is dead or about to be
    for (auto& [id, handlers] : std::exchange(live_, {})) handlers->on_ended({.lost = true});
}

}  // namespace caisson::fleet
