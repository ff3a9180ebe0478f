// SPDX-License-Identifier: Apache-2.0
#include "host/inlet.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "base/text.hpp"
#include "host/ending.hpp"

namespace caisson::host {
namespace {

/// Bytes asked of one read: hundreds of small calls, and what one body of usual size needs.
constexpr std::size_t input_read_bytes = 64 * 1024;

/// Memory for what comes next. Without any there is no call to blame: nothing runs now.
std::span<std::byte> space_in(wire::FrameReader& reader) {
    try {
        return reader.prepare(input_read_bytes);
    } catch (const std::bad_alloc&) {
        end_at_once(ExitCode::out_of_memory, "no memory is left for the next call; see limits.memory");
    }
}

// The kernel drops those that do not fit into limits.files; a frame that then has none is seen at once.
void keep_descriptors(msghdr& message, std::deque<Fd>& into) {
    if (message.msg_controllen == 0) return;
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
            int number = -1;
            std::memcpy(&number, CMSG_DATA(c) + i * sizeof(int), sizeof number);
            into.emplace_back(number);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0) into.emplace_back();  // stands for the one that was dropped
}

}  // namespace

Fd Inlet::take_descriptor() {
    if (descriptors_.empty()) end_at_once(ExitCode::protocol_error, "a detached frame came without its memfd");
    Fd first = std::move(descriptors_.front());
    descriptors_.pop_front();
    return first;
}

wire::Frame Inlet::next() {
    for (;;) {
        if (auto frame = reader_.next()) return *frame;
        if (const auto error = reader_.error()) {
            end_at_once(ExitCode::protocol_error, cat("the supervisor sent ", wire::word(*error)));
        }
        before_wait_();
        receive();
    }
}

void Inlet::receive() {
    const auto space = space_in(reader_);
    iovec part{space.data(), space.size()};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(4 * sizeof(int))> control;
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t count = ::recvmsg(socket_, &message, MSG_CMSG_CLOEXEC);
    if (count > 0) {
        keep_descriptors(message, descriptors_);
        reader_.commit(static_cast<std::size_t>(count));
        return;
    }
    if (count < 0 && errno == EINTR) return;
    if (count == 0 || errno == ECONNRESET) end_at_once(ExitCode::supervisor_gone, {});
    end_at_once(ExitCode::socket_lost, "the socket to the supervisor was closed or replaced in this process");
}

}  // namespace caisson::host
