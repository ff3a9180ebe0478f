// SPDX-License-Identifier: Apache-2.0
#include "host/zygote.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "host/descriptors.hpp"
#include "keeper/copies.hpp"

namespace caisson::host {
namespace {

/// What a worker is started with: null input, output, errors, socket, black box.
constexpr std::size_t worker_descriptors = 5;
/// Above all of them and the copies' socket, so that none is overwritten before it was moved to its place.
constexpr int aside = copy_descriptor + 1;

struct Request {
    keeper::CopyRequest said;
    std::vector<Fd> descriptors;
};

/// Threads of this process; 0 if /proc does not say. A directory has two links, and one for each folder in it.
std::uint64_t threads() {
    struct stat status{};
    return ::stat("/proc/self/task", &status) == 0 && status.st_nlink > 2 ? status.st_nlink - 2 : 0;
}

/// Where the C library keeps the main thread's number; the kernel knows, for it clears it at the thread's end.
int* thread_id_place() {
    int* place = nullptr;
    return ::prctl(PR_GET_TID_ADDRESS, &place, 0UL, 0UL, 0UL) == 0 ? place : nullptr;
}

std::optional<Request> receive() {
    Request request;
    iovec part{&request.said, sizeof request.said};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(worker_descriptors * sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(copy_descriptor, &message, MSG_CMSG_CLOEXEC);
    if (got != sizeof request.said) {
        if (got < 0 && errno == EINTR) return std::nullopt;
        end_at_once(ExitCode::supervisor_gone, {});
    }
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c) + i * sizeof number, sizeof number);
            request.descriptors.emplace_back(number);
        }
    }
    request.said.name.back() = '\0';
    return request;
}

/// fork(), but as another child of our parent. The C library keeps the number of the main thread and tells the kernel
/// of its list of robust mutexes; both are made right in the copy.
pid_t clone_beside() {
    void* robust = nullptr;
    std::size_t robust_bytes = 0;
    ::syscall(SYS_get_robust_list, 0, &robust, &robust_bytes);
    constexpr unsigned long flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
#if defined(__x86_64__)
    const auto pid = ::syscall(SYS_clone, flags, nullptr, nullptr, thread_id_place(), 0UL);
#else
    const auto pid = ::syscall(SYS_clone, flags, nullptr, nullptr, 0UL, thread_id_place());
#endif
    if (pid == 0) ::syscall(SYS_set_robust_list, robust, robust_bytes);
    return static_cast<pid_t>(pid);
}

/// In the copy: its own session before anything else, for that is what it is killed by.
void take_place(const Request& request) {
    ::setsid();
    ::prctl(PR_SET_NAME, request.said.name.data(), 0UL, 0UL, 0UL);
    std::array<int, worker_descriptors> moved{};
    for (std::size_t i = 0; i < worker_descriptors; ++i)
        moved[i] = ::fcntl(request.descriptors[i].get(), F_DUPFD_CLOEXEC, aside);
    for (std::size_t i = 0; i < worker_descriptors; ++i) {
        if (moved[i] < 0 || ::dup2(moved[i], static_cast<int>(i)) < 0)
            ::_exit(static_cast<int>(ExitCode::setup_failed));
    }
    ::close(copy_descriptor);
}

keeper::CopyReply copy(Request& request, const std::function<ExitCode()>& live) {
    keeper::CopyReply reply{.id = request.said.id};
    if (request.descriptors.size() != worker_descriptors) {
        reply.error = EINVAL;
    } else if (threads() != 1) {
        reply.error = EBUSY;
    } else if (reply.pid = clone_beside(); reply.pid < 0) {
        reply = {.id = request.said.id, .error = errno};
    } else if (reply.pid == 0) {
        take_place(request);
        // What was received here is closed with all that is foreign; its numbers mean other files by then.
        for (auto& descriptor : request.descriptors) static_cast<void>(descriptor.release());
        std::exit(static_cast<int>(live()));
    }
    return reply;
}

}  // namespace

Result<void> can_be_copied() {
#if defined(__SANITIZE_THREAD__)
    return fail("a process under ThreadSanitizer cannot be copied");
#endif
    if (thread_id_place() == nullptr)
        return fail_errno("the kernel cannot say where the thread's number is kept", errno);
    const auto count = threads();
    if (count == 0) return fail("/proc/self/task does not say how many threads there are");
    if (count > 1) return fail("the plugin has started threads while it was loaded, and no copy would have them");
    return {};
}

ExitCode serve_copies(Inlet& supervisor, const std::function<ExitCode()>& live) {
    std::array<pollfd, 2> waits{{{copy_descriptor, POLLIN, 0}, {socket_descriptor, POLLIN, 0}}};
    for (;;) {
        if (::poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR)
            end_at_once(ExitCode::socket_lost, "poll failed in a zygote");
        if (waits[1].revents != 0) {
            // Ends the process if the supervisor has gone.
            if (const auto type = supervisor.next().header.type; type == wire::Type::stop) return ExitCode::stopped;
            end_at_once(ExitCode::protocol_error, "the supervisor sent a zygote something else than stop");
        }
        if (waits[0].revents == 0) continue;
        auto request = receive();
        if (!request) continue;
        // What stands in a buffer here would be printed again by each copy.
        std::fflush(nullptr);
        const auto reply = copy(*request, live);
        if (::send(copy_descriptor, &reply, sizeof reply, MSG_NOSIGNAL) < 0 && errno != EINTR)
            end_at_once(ExitCode::supervisor_gone, {});
    }
}

}  // namespace caisson::host
