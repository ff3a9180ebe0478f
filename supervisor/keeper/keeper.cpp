// SPDX-License-Identifier: Apache-2.0
#include "keeper/keeper.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/clock.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "keeper/children.hpp"

namespace caisson::keeper {
namespace {

using namespace std::chrono_literals;

/// How long the end of everything may take; killed processes go in milliseconds unless a device holds them.
constexpr auto end_patience = 1500ms;
/// Descriptors of the keeper's own stand here and above, so that they never collide with a child's 0 to 6.
constexpr int first_own_descriptor = 16;

std::vector<char*> split(std::span<const char> strings) {
    std::vector<char*> pointers;
    for (std::size_t at = 0; at < strings.size();) {
        pointers.push_back(const_cast<char*>(strings.data()) + at);
        at += std::strlen(strings.data() + at) + 1;
    }
    pointers.push_back(nullptr);
    return pointers;
}

Fd move_up(Fd descriptor) { return Fd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, first_own_descriptor)}; }

/// The attributes of every child: a session of its own, no blocked signal, every signal's default.
class SpawnPlan {
   public:
    explicit SpawnPlan(std::span<const Fd> descriptors) {
        posix_spawnattr_init(&attributes);
        posix_spawn_file_actions_init(&actions);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes, &none);
        posix_spawnattr_setsigdefault(&attributes, &all);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        for (std::size_t i = 0; i < descriptors.size(); ++i)
            posix_spawn_file_actions_adddup2(&actions, descriptors[i].get(), static_cast<int>(i));
    }
    ~SpawnPlan() {
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attributes);
    }
    SpawnPlan(const SpawnPlan&) = delete;
    SpawnPlan& operator=(const SpawnPlan&) = delete;

    posix_spawnattr_t attributes{};
    posix_spawn_file_actions_t actions{};
};

}  // namespace

Keeper::Keeper(Fd orders, std::vector<Fd> programs) : orders_(std::move(orders)) {
    for (auto& program : programs) programs_.push_back(move_up(std::move(program)));
}

int Keeper::run(pid_t supervisor) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sys::shut_to_ptrace();
    for (const int ignored : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) ::signal(ignored, SIG_IGN);
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child, nullptr);
    const Fd signals{::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK)};
    // A copy of the socket in a forked child of the supervisor would hide its death; the pidfd does not.
    const auto pidfd = sys::pidfd_open(supervisor);
    if (!signals || !pidfd || ::getppid() != supervisor) return 1;

    std::vector<pollfd> waits;
    while (true) {
        waits = {{orders_.get(), POLLIN, 0}, {signals.get(), POLLIN, 0}, {pidfd->get(), POLLIN, 0}};
        zygotes_.wait_for(waits);
        if (::poll(waits.data(), waits.size(), zygotes_.wait_ms()) < 0) {
            if (errno != EINTR) break;
            continue;
        }
        if (waits[2].revents != 0) break;
        hear_zygotes();  // before ends are looked at: a copy is named before it is known to have ended
        // Orders first: who waits for a worker should not wait for the tidying after another.
        if (waits[0].revents != 0 && !read_order()) break;
        if (waits[1].revents != 0) {
            std::array<signalfd_siginfo, 16> infos;
            while (::read(signals.get(), infos.data(), sizeof infos) > 0) {
            }
            reap();
        }
    }
    end_everything();
    return 0;
}

bool Keeper::read_order() {
    std::array<char, max_order_bytes> data;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(max_descriptors * sizeof(int))> control;
    iovec part{data.data(), data.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(orders_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got < 0) return errno == EINTR || errno == EAGAIN;
    if (got == 0) return false;

    std::vector<Fd> descriptors;
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        std::array<int, max_descriptors> numbers{};
        const auto bytes = std::min(c->cmsg_len - CMSG_LEN(0), sizeof numbers);
        std::memcpy(numbers.data(), CMSG_DATA(c), bytes);
        for (std::size_t i = 0; i < bytes / sizeof(int); ++i) descriptors.push_back(move_up(Fd{numbers[i]}));
    }
    Order order;
    if (static_cast<std::size_t>(got) < sizeof order) return true;
    std::memcpy(&order, data.data(), sizeof order);
    const auto strings = std::span<const char>{data}.first(static_cast<std::size_t>(got)).subspan(sizeof order);
    switch (order.type) {
        case OrderType::spawn:
            spawn(order, strings, std::move(descriptors));
            break;
        case OrderType::copy:
            copy(order, strings, descriptors);
            break;
        case OrderType::signal:
            signal_group(order);
            break;
    }
    return true;
}

void Keeper::spawn(const Order& order, std::span<const char> strings, std::vector<Fd> descriptors) {
    Notice notice{.type = NoticeType::spawn_failed, .id = order.id};
    if (order.number >= std::size(file_of_program) ||
        std::size_t{order.argument_bytes} + order.environment_bytes != strings.size()) {
        notice.status = EINVAL;
        return tell(notice);
    }
    // The file that was there when the supervisor started, whatever stands at its path by now.
    const auto program = cat("/proc/self/fd/", programs_[file_of_program[order.number]].get());
    const auto arguments = split(strings.first(order.argument_bytes));
    const auto environment = split(strings.subspan(order.argument_bytes));
    if (order.number == static_cast<std::uint32_t>(Program::zygote)) {
        auto end = zygotes_.add(order.id);
        if (!end) {
            notice.status = end.error().number;
            return tell(notice);
        }
        descriptors.push_back(move_up(std::move(*end)));
    }
    const SpawnPlan plan{descriptors};
    pid_t pid = 0;
    notice.status =
        ::posix_spawn(&pid, program.c_str(), &plan.actions, &plan.attributes, arguments.data(), environment.data());
    if (notice.status == 0) return adopt(pid, order.id);
    forget_zygote(order.id);
    tell(notice);
}

void Keeper::adopt(pid_t pid, std::uint64_t id) {
    ids_[pid] = id;
    pids_[id] = pid;
    // The child is ours and not reaped yet, so its pid cannot have come to name another process.
    const auto pidfd = sys::pidfd_open(pid);
    tell({.type = NoticeType::spawned, .pid = pid, .id = id}, pidfd ? pidfd->get() : -1);
}

// ---- zygotes --------------------------------------------------------------------------------------------------------

void Keeper::copy(const Order& order, std::span<const char> strings, std::span<const Fd> descriptors) {
    const std::string_view name{strings.data(), strings.empty() ? 0 : strings.size() - 1};
    const int error = zygotes_.ask(order.zygote, order.id, name, descriptors);
    if (error != 0) tell({.type = NoticeType::spawn_failed, .id = order.id, .status = error});
}

void Keeper::hear_zygotes() {
    while (const auto answer = zygotes_.next()) take_copy(*answer);
    for (const auto id : zygotes_.take_condemned(Clock::now()))
        if (const auto zygote = pids_.find(id); zygote != pids_.end()) ::kill(zygote->second, SIGKILL);
    if (zygotes_.busy()) return;
    early_ends_.clear();
    if (std::exchange(strays_due_, false)) kill_strays();
}

// The zygote's word is believed if it names a child of ours that nobody knows: at worst that is a stray of its own.
void Keeper::take_copy(const Zygotes::Answer& answer) {
    const auto& reply = answer.reply;
    const Notice failed{.type = NoticeType::spawn_failed, .id = reply.id, .status = reply.error};
    if (reply.pid <= 0) return tell(failed);
    siginfo_t info{};
    const auto mine = static_cast<id_t>(reply.pid);
    if (!ids_.contains(reply.pid) && ::waitid(P_PID, mine, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
        return adopt(reply.pid, reply.id);
    auto end = early_ends_.extract(reply.pid);
    if (end.empty()) {
        zygotes_.condemn(answer.zygote);
        tell({.type = NoticeType::spawn_failed, .id = reply.id, .status = ECHILD});
        return;
    }
    tell({.type = NoticeType::spawned, .pid = reply.pid, .id = reply.id});
    end.mapped().id = reply.id;
    tell(end.mapped());
}

// What it owes will not come.
void Keeper::forget_zygote(std::uint64_t id) {
    for (const auto owed : zygotes_.remove(id)) tell({.type = NoticeType::spawn_failed, .id = owed, .status = ECHILD});
}

// ---- ends -----------------------------------------------------------------------------------------------------------

void Keeper::signal_group(const Order& order) {
    const auto found = pids_.find(order.id);
    if (found == pids_.end()) return;
    // The child leads its own process group since before its exec, and is not reaped: the number is still its own. A
    // copy does so from its first instructions on; until then there is only itself.
    if (::kill(-found->second, static_cast<int>(order.number)) != 0)
        ::kill(found->second, static_cast<int>(order.number));
}

void Keeper::reap() {
    tell_pauses();
    while (true) {
        siginfo_t info{};
        // First look, then kill its group while the dead leader still holds the group's number, then reap.
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) break;
        reap_one(info.si_pid, info.si_code, info.si_status);
    }
    kill_strays();
}

// SIGSTOP and SIGCONT of children, as the kernel tells them to a parent.
void Keeper::tell_pauses() {
    while (true) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WSTOPPED | WCONTINUED | WNOHANG) != 0 || info.si_pid == 0) return;
        const auto known = ids_.find(info.si_pid);
        if (known == ids_.end()) continue;
        const auto type = info.si_code == CLD_CONTINUED ? NoticeType::continued : NoticeType::paused;
        tell({.type = type, .pid = info.si_pid, .id = known->second});
    }
}

void Keeper::reap_one(pid_t pid, int code, int status) {
    hear_zygotes();  // it may be a copy that is named by now
    const auto known = ids_.find(pid);
    if (known != ids_.end()) ::kill(-pid, SIGKILL);
    rusage usage{};
    int ignored = 0;
    ::wait4(pid, &ignored, 0, &usage);
    Notice notice{.type = NoticeType::exited,
                  .pid = pid,
                  .code = code,
                  .status = status,
                  .max_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024};
    if (known == ids_.end()) {
        if (zygotes_.busy()) early_ends_[pid] = notice;
        return;
    }
    notice.id = known->second;
    ids_.erase(known);
    pids_.erase(notice.id);
    forget_zygote(notice.id);
    tell(notice);
}

// Whoever is our child and was not ordered was left behind by a worker that died. Its own children come to us when it
// dies, which is another SIGCHLD and another look.
void Keeper::kill_strays() {
    strays_due_ = zygotes_.busy();
    if (strays_due_) return;
    for (const pid_t pid : children()) {
        if (ids_.contains(pid)) continue;
        // A stray that made a session of its own takes its group with it.
        if (::getpgid(pid) == pid) ::kill(-pid, SIGKILL);
        ::kill(pid, SIGKILL);
    }
}

void Keeper::end_everything() {
    orders_.reset();
    zygotes_ = {};
    const auto until = Clock::now() + end_patience;
    for (const auto& [pid, id] : ids_) ::kill(-pid, SIGKILL);
    ids_.clear();
    while (Clock::now() < until) {
        kill_strays();
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) break;  // ECHILD: nobody is left
        if (info.si_pid != 0) continue;
        sigset_t child;
        sigemptyset(&child);
        sigaddset(&child, SIGCHLD);
        constexpr timespec look_again{0, 10'000'000};
        ::sigtimedwait(&child, nullptr, &look_again);
    }
}

void Keeper::tell(const Notice& notice, int descriptor) {
    Notice copy = notice;
    iovec part{&copy, sizeof copy};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        auto* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(c), &descriptor, sizeof(int));
    }
    // Blocks while the supervisor is behind: an exit must not be lost. Its death ends the wait (EPIPE).
    while (orders_ && ::sendmsg(orders_.get(), &message, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

}  // namespace caisson::keeper
