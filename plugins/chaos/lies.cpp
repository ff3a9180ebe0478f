// SPDX-License-Identifier: Apache-2.0
#include "lies.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

using caisson::plugin::Call;

namespace {

/// The worker's socket to the supervisor. A good plugin does not know it.
constexpr int socket_fd = 3;

/// The header of a frame, written down from docs/wire.md as an outsider would.
struct Header {
    std::uint32_t payload_size;
    std::uint8_t type;
    std::uint8_t encoding;
    std::uint16_t attempt;
    std::uint64_t id;
    std::uint32_t a;
    std::uint32_t head_size;
    std::int64_t time_ns;
};
static_assert(sizeof(Header) == 32);

constexpr std::uint8_t result_type = 22;
constexpr std::uint8_t json_encoding = 1;

void send_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = send(socket_fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            pollfd writable{socket_fd, POLLOUT, 0};
            poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            return;  // nobody listens any more
        }
    }
}

/// A result of call `id` that announces `payload_size` bytes and has `payload`.
std::string result(std::uint64_t id, std::uint32_t payload_size, std::string_view payload) {
    const Header header{payload_size, result_type, json_encoding, 0, id, 0, 0, 0};
    std::string frame(sizeof header, '\0');
    std::memcpy(frame.data(), &header, sizeof header);
    return frame.append(payload);
}

}  // namespace

void close_socket() {
    close(socket_fd);
    while (true) pause();
}

void garbage_frames() { send_all(std::string(4096, '\xFF')); }

void huge_frame(const Call& call) { send_all(result(call.id(), UINT32_MAX, "the rest never comes")); }

void partial_frame(const Call& call) { send_all(result(call.id(), 100, "only this")); }

void wrong_call_id(const Call& call) { send_all(result(call.id() + 1'000'000, 1, "1")); }

std::int64_t double_reply(const Call& call) {
    send_all(result(call.id(), 1, "1"));
    return 2;
}
