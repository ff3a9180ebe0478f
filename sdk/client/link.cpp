// SPDX-License-Identifier: Apache-2.0
#include "client/link.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <system_error>

#include "wire/rights.hpp"

namespace caisson::client {
namespace {

// Bytes asked of one read: what a burst of small results brings, in one system call.
constexpr std::size_t read_bytes = 256 * 1024;
// Until descriptors are tried again that could not leave: nothing tells when they can.
constexpr std::chrono::milliseconds congestion_pause{5};

template <std::size_t count>
using Control = std::array<char, CMSG_SPACE(count * sizeof(int))>;

int poll_timeout_ms(Deadline deadline) {
    if (!deadline) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace

Deadline deadline_after(std::chrono::milliseconds patience) {
    // Beyond a year it is for ever; the sum could otherwise overflow.
    if (patience > std::chrono::hours{24 * 365}) return std::nullopt;
    return std::chrono::steady_clock::now() + patience;
}

// What stands before a frame with a descriptor leaves first; the descriptor leaves with the frame's first byte.
std::ptrdiff_t Link::send_some() {
    const auto* const from = output_.data() + sent_;
    if (attached_.empty()) return ::send(socket_.get(), from, unsent(), MSG_NOSIGNAL);
    auto& next = attached_.front();
    if (next.offset > gone_) return ::send(socket_.get(), from, next.offset - gone_, MSG_NOSIGNAL);
    const auto end = attached_.size() > 1 ? attached_[1].offset : gone_ + unsent();
    iovec part{const_cast<std::byte*>(from), end - gone_};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    wire::Rights rights;
    rights.attach(message, next.descriptor.get());
    const auto count = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (count > 0) attached_.pop_front();
    return count;
}

void Link::flush() {
    congested_ = false;
    while (peer_reads_ && unsent() > 0) {
        const auto count = send_some();
        if (count >= 0) {
            sent_ += static_cast<std::size_t>(count);
            gone_ += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            congested_ = errno == ETOOMANYREFS;
            peer_reads_ = errno == EAGAIN || congested_;
            break;
        }
    }
    if (unsent() == 0 || !peer_reads_) {
        output_.clear();
        attached_.clear();
        sent_ = 0;
    } else if (sent_ > output_.size() / 2) {
        output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
}

std::ptrdiff_t Link::receive_some(std::span<std::byte> room) {
    iovec part{room.data(), room.size()};
    alignas(cmsghdr) Control<max_descriptors_ahead> control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto count = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (count < 0 || message.msg_controllen == 0) return count;
    for (auto* entry = CMSG_FIRSTHDR(&message); entry != nullptr; entry = CMSG_NXTHDR(&message, entry)) {
        if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t descriptors = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < descriptors; ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(entry) + i * sizeof number, sizeof number);
            came_.emplace_back(number);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0 || came_.size() > max_descriptors_ahead) flooded_ = true;
    return count;
}

Descriptor Link::take_descriptor() {
    if (came_.empty()) return {};
    Descriptor first = std::move(came_.front());
    came_.pop_front();
    return first;
}

Link::Received Link::receive() {
    const auto room = reader_.prepare(read_bytes);
    for (;;) {
        const auto count = receive_some(room);
        if (count > 0) {
            reader_.commit(static_cast<std::size_t>(count));
            return Received::some;
        }
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) return Received::nothing;
        why_ended_ = count == 0 ? "the service closed the session" : std::generic_category().message(errno);
        if (reader_.midway()) why_ended_ += " in the middle of a frame";
        return Received::end;
    }
}

bool Link::wait(Deadline deadline) const {
    pollfd entry{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (unsent() > 0 && !congested_) entry.events |= POLLOUT;
    bool early = false;  // back before the deadline, to try again
    if (congested_) {
        const auto again = std::chrono::steady_clock::now() + congestion_pause;
        early = !deadline || again < *deadline;
        if (early) deadline = again;
    }
    for (;;) {
        const int count = ::poll(&entry, 1, poll_timeout_ms(deadline));
        if (count > 0) return true;
        if (count == 0 && deadline) return early;
        if (count < 0 && errno != EINTR) return false;
    }
}

}  // namespace caisson::client
