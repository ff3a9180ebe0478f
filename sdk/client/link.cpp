// SPDX-License-Identifier: Apache-2.0
#include "client/link.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

namespace caisson::client {
namespace {

// Bytes asked of one read: what a burst of small results brings, in one system call.
constexpr std::size_t read_bytes = 256 * 1024;

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

Link::~Link() { ::close(descriptor_); }

void Link::flush() {
    while (peer_reads_ && unsent() > 0) {
        const auto count = ::send(descriptor_, output_.data() + sent_, unsent(), MSG_NOSIGNAL);
        if (count >= 0) {
            sent_ += static_cast<std::size_t>(count);
        } else if (errno != EINTR) {
            peer_reads_ = errno == EAGAIN;
            break;
        }
    }
    if (unsent() == 0 || !peer_reads_) {
        output_.clear();
        sent_ = 0;
    } else if (sent_ > output_.size() / 2) {
        output_.erase(output_.begin(), output_.begin() + static_cast<std::ptrdiff_t>(sent_));
        sent_ = 0;
    }
}

Link::Received Link::receive() {
    const auto room = reader_.prepare(read_bytes);
    for (;;) {
        const auto count = ::recv(descriptor_, room.data(), room.size(), 0);
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
    pollfd entry{.fd = descriptor_, .events = POLLIN, .revents = 0};
    if (unsent() > 0) entry.events |= POLLOUT;
    for (;;) {
        const int count = ::poll(&entry, 1, poll_timeout_ms(deadline));
        if (count > 0) return true;
        if (count == 0 && deadline) return false;
        if (count < 0 && errno != EINTR) return false;
    }
}

}  // namespace caisson::client
