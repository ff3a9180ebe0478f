// SPDX-License-Identifier: Apache-2.0
/// A client that speaks the wire by hand, and says whatever it is told to.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "support/eventually.hpp"
#include "wire/codec.hpp"
#include "wire/handshake.hpp"

namespace caisson::test {

inline std::string frame_bytes(wire::Header header, std::string_view head, std::string_view body) {
    wire::Buffer frame;
    wire::append_frame(frame, header, head, {}, wire::bytes_of(body));
    return std::string{wire::Frame::text(frame)};
}

/// A connection that says whatever it is told to.
class RawClient {
   public:
    explicit RawClient(const std::filesystem::path& path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot connect");
    }

    /// Sends what the service takes; false once it has hung up.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    bool send(wire::Header header, std::string_view head = {}, std::string_view body = {}) const {
        wire::Buffer frame;
        wire::append_frame(frame, header, head, {}, wire::bytes_of(body));
        return send(wire::Frame::text(frame));
    }
    /// The first byte goes with these descriptors.
    bool send_with(std::string_view bytes, const std::vector<int>& descriptors) const {
        iovec part{const_cast<char*>(bytes.data()), 1};
        std::vector<std::byte> room(CMSG_SPACE(descriptors.size() * sizeof(int)));
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = room.data();
        message.msg_controllen = room.size();
        auto* const head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
        std::memcpy(CMSG_DATA(head), descriptors.data(), descriptors.size() * sizeof(int));
        return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL) == 1 && send(bytes.substr(1));
    }
    bool hello() const { return send({.type = wire::Type::hello, .a = wire::VersionRange{}.packed()}, "{}"); }
    bool call(std::uint64_t id, std::string_view target, std::string_view body = {}) const {
        return send({.type = wire::Type::call, .id = id, .a = static_cast<std::uint32_t>(target.size())}, target, body);
    }

    /// As much of a frame as the socket takes without waiting. False when it takes nothing more.
    bool push(std::string_view bytes) const {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
               static_cast<ssize_t>(bytes.size());
    }

    /// Reads until the service hangs up; throws if it does not.
    std::string read_to_end() const {
        std::string all;
        std::array<char, 64 * 1024> piece;
        while (true) {
            if (!readable_within(socket_.get())) throw std::runtime_error("the service did not hang up");
            const auto count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
            if (count <= 0) return all;
            all.append(piece.data(), static_cast<std::size_t>(count));
        }
    }
    /// The next frame. Throws if none comes. Descriptors that come with it are dropped.
    struct Received {
        wire::Header header;
        std::string payload;
    };
    [[nodiscard]] Received receive() const {
        Received frame;
        read_exactly(reinterpret_cast<char*>(&frame.header), sizeof frame.header);
        frame.payload.resize(frame.header.payload_size);
        read_exactly(frame.payload.data(), frame.payload.size());
        return frame;
    }
    /// The document of the next outcome.
    [[nodiscard]] nlohmann::json outcome() const {
        auto frame = receive();
        while (frame.header.type != wire::Type::outcome) frame = receive();
        return nlohmann::json::parse(frame.payload.substr(0, frame.header.head_size), nullptr, false);
    }
    /// Waits until there is something to read, and leaves it.
    [[nodiscard]] bool heard() const { return readable_within(socket_.get()); }
    /// Says hello; true if it is welcome.
    [[nodiscard]] bool enters() const { return hello() && heard() && receive().header.type == wire::Type::welcome; }
    /// Waits until the service has hung up, without reading.
    [[nodiscard]] bool hung_up_within(std::chrono::milliseconds deadline = patience) const {
        pollfd entry{.fd = socket_.get(), .events = POLLRDHUP, .revents = 0};
        return ::poll(&entry, 1, static_cast<int>(deadline.count())) == 1;
    }

   private:
    void read_exactly(char* to, std::size_t size) const {
        while (size > 0) {
            if (!readable_within(socket_.get())) throw std::runtime_error("nothing came from the service");
            const auto count = ::recv(socket_.get(), to, size, 0);
            if (count <= 0) throw std::runtime_error("the service hung up");
            to += count;
            size -= static_cast<std::size_t>(count);
        }
    }

    Fd socket_;
};

}  // namespace caisson::test
