// SPDX-License-Identifier: Apache-2.0
/// 1 MiB echoed by memfds: one is filled and handed to a child, which maps it, copies it into one of its own and hands
/// that back. Both are new each time, as payloads are. Counts the bytes of both ways.
///
///     limit_hand_over SECONDS
#include <sys/mman.h>

#include <vector>

#include "raw.hpp"

using namespace bench;

namespace {

constexpr std::size_t payload_bytes = std::size_t{1024} * 1024;

void send_descriptor(int socket, int fd) {
    std::byte mark{};
    iovec part{&mark, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    raw::expect(sendmsg(socket, &message, 0), "sendmsg");
}

/// -1 at the end of the stream.
int receive_descriptor(int socket) {
    std::byte mark{};
    iovec part{&mark, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    if (raw::expect(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), "recvmsg") == 0) return -1;
    const cmsghdr* const head = CMSG_FIRSTHDR(&message);
    if (head == nullptr) give_up("a message without a descriptor");
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(head), sizeof fd);
    return fd;
}

/// A memfd with a copy of the bytes.
int filled(std::span<const std::byte> bytes) {
    const int fd = raw::expect(memfd_create("payload", MFD_CLOEXEC), "memfd_create");
    raw::write_all(fd, bytes);
    return fd;
}

std::span<const std::byte> mapped(int fd) {
    void* const address = mmap(nullptr, payload_bytes, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (address == MAP_FAILED) give_up("mmap");
    return {static_cast<const std::byte*>(address), payload_bytes};
}

void unmap(std::span<const std::byte> bytes, int fd) {
    munmap(const_cast<std::byte*>(bytes.data()), bytes.size());
    close(fd);
}

void echo(int socket) {
    for (int fd = receive_descriptor(socket); fd >= 0; fd = receive_descriptor(socket)) {
        const auto bytes = mapped(fd);
        const int answer = filled(bytes);
        send_descriptor(socket, answer);
        close(answer);
        unmap(bytes, fd);
    }
}

/// Every page is looked at.
void read_through(std::span<const std::byte> bytes, std::byte expected) {
    for (std::size_t at = 0; at < bytes.size(); at += 4096)
        if (bytes[at] != expected) give_up("wrong bytes");
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = number(argc, argv, 1, "limit_hand_over SECONDS");
    const auto pair = raw::stream_pair();
    const pid_t child = raw::fork_peer(pair, echo);
    const std::vector<std::byte> payload(payload_bytes, std::byte{7});
    std::uint64_t turns = 0;
    const auto start = Clock::now();
    for (const auto end = end_after(seconds); Clock::now() < end; ++turns) {
        const int fd = filled(payload);
        send_descriptor(pair.ours, fd);
        close(fd);
        const int answer = receive_descriptor(pair.ours);
        if (answer < 0) give_up("the peer has gone");
        const auto bytes = mapped(answer);
        read_through(bytes, payload.front());
        unmap(bytes, answer);
    }
    Report{}.add("bytes_per_s", static_cast<double>(turns * 2 * payload_bytes) / seconds_since(start)).print();
    raw::part(pair, child);
}
