// SPDX-License-Identifier: Apache-2.0
#include "apps/service_manager.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/text.hpp"
#include "wire/rights.hpp"

namespace caisson::apps {

using namespace std::chrono_literals;

namespace {

/// Messages that wait for the manager's socket. Beyond it the oldest go: they are news.
constexpr std::size_t max_waiting = 32;
/// Until a message is sent again that the manager's socket did not take.
constexpr auto retry_delay = 100ms;

bool send_one(const Fd& socket, const std::string& address, const std::string& text, const Fd& descriptor) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path, address.data(), address.size());
    if (address[0] == '@') to.sun_path[0] = '\0';
    iovec part{const_cast<char*>(text.data()), text.size()};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    wire::Rights rights;
    if (descriptor) rights.attach(message, descriptor.get());
    return ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    if (const char* const address = std::getenv("NOTIFY_SOCKET"); address != nullptr) {
        const std::string_view text{address};
        const bool fits = text.size() > 1 && text.size() < sizeof sockaddr_un{}.sun_path;
        if (fits && (text[0] == '/' || text[0] == '@')) manager.address_ = text;
    }
    std::uint64_t watchdog_us = 0;
    if (sd_watchdog_enabled(0, &watchdog_us) > 0) manager.watchdog_ = std::chrono::microseconds{watchdog_us / 2};
    char** names = nullptr;
    const int count = sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        const bool named = names != nullptr && names[i] != nullptr;
        manager.passed_.push_back({named ? names[i] : "", Fd{SD_LISTEN_FDS_START + i}});
        ::fcntl(SD_LISTEN_FDS_START + i, F_SETFD, FD_CLOEXEC);
    }
    for (int i = 0; names != nullptr && names[i] != nullptr; ++i) std::free(names[i]);
    std::free(static_cast<void*>(names));
    return manager;
}

void ServiceManager::attach(Loop& loop) {
    loop_ = &loop;
    if (present()) socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

void ServiceManager::patrol() {
    if (!present() || watchdog_ == Duration::zero() || loop_ == nullptr) return;
    watchdog_timer_ = loop_->timer();
    sign_of_life();
}

// One that waits is as good as two.
void ServiceManager::sign_of_life() {
    if (waiting_.empty()) tell("WATCHDOG=1");
    watchdog_timer_->arm_after(watchdog_, [this] { sign_of_life(); });
}

void ServiceManager::ready(std::string_view status) { tell(cat("READY=1\nSTATUS=", printable(status))); }

void ServiceManager::reloading() {
    const auto now = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
    tell(cat("RELOADING=1\nMONOTONIC_USEC=", now));
}

void ServiceManager::stopping(std::string_view status) { tell(cat("STOPPING=1\nSTATUS=", printable(status))); }
void ServiceManager::status(std::string_view status) { tell(cat("STATUS=", printable(status))); }

void ServiceManager::hand_to(pid_t pid, std::string_view status) {
    watchdog_timer_.reset();
    tell(cat("MAINPID=", pid, "\nREADY=1\nSTATUS=", printable(status)));
    silent_ = true;
}

void ServiceManager::keep(const Fd& descriptor, std::string_view name) {
    tell(cat("FDSTORE=1\nFDNAME=", name), Fd{::fcntl(descriptor.get(), F_DUPFD_CLOEXEC, 0)});
}

void ServiceManager::forget(std::string_view name) { tell(cat("FDSTOREREMOVE=1\nFDNAME=", name)); }

void ServiceManager::tell(std::string text, Fd descriptor) {
    if (!socket_ || silent_) return;
    if (waiting_.size() == max_waiting) waiting_.pop_front();
    waiting_.push_back({std::move(text), std::move(descriptor)});
    send_waiting();
}

// Whoever is not there is not told.
void ServiceManager::send_waiting() {
    while (!waiting_.empty()) {
        const auto& next = waiting_.front();
        if (!send_one(socket_, address_, next.text, next.descriptor) && (errno == EAGAIN || errno == ETOOMANYREFS)) {
            if (!retry_timer_) retry_timer_ = loop_->timer();
            return retry_timer_->arm_after(retry_delay, [this] { send_waiting(); });
        }
        waiting_.pop_front();
    }
}

}  // namespace caisson::apps
