// SPDX-License-Identifier: Apache-2.0
#include "support/http.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace caisson::test {
namespace {

[[noreturn]] void give_up(const std::string& what) { throw std::runtime_error(what); }

Fd connect_to(const sockaddr* address, socklen_t size, const std::string& name) {
    Fd socket{::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket || ::connect(socket.get(), address, size) != 0) give_up("nobody answers HTTP at " + name);
    return socket;
}

Fd connect_to(const std::string& name) {
    if (name.starts_with("unix:")) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, name.c_str() + 5, sizeof address.sun_path - 1);
        return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, name);
    }
    const auto colon = name.rfind(':');
    const auto port = htons(static_cast<std::uint16_t>(std::stoi(name.substr(colon + 1))));
    auto host = name.substr(7, colon - 7);  // after http://
    if (host.starts_with('[')) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        address.sin6_port = port;
        if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.sin6_addr) != 1) give_up(name);
        return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, name);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = port;
    if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) give_up(name);
    return connect_to(reinterpret_cast<const sockaddr*>(&address), sizeof address, name);
}

}  // namespace

HttpConnection::HttpConnection(const std::string& address) : socket_(connect_to(address)) {}

void HttpConnection::send(std::string_view bytes) const {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;  // it was hung up on; what it had to say about that can be received
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

HttpAnswer HttpConnection::receive(std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    const auto more = [&] {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        char bytes[65'536];
        if (left.count() <= 0 || !readable_within(socket_.get(), left)) return false;
        const auto got = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (got > 0) rest_.append(bytes, static_cast<std::size_t>(got));
        return got > 0;
    };
    HttpAnswer answer;
    std::size_t end = 0;
    while ((end = rest_.find("\r\n\r\n")) == std::string::npos)
        if (!more()) return answer;
    answer.headers = rest_.substr(0, end + 2);
    rest_.erase(0, end + 4);
    answer.status = std::stoi(answer.headers.substr(answer.headers.find(' ') + 1));
    std::ranges::transform(answer.headers, answer.headers.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    constexpr std::string_view length = "content-length: ";
    const auto at = answer.headers.find(length);
    const auto size = at == std::string::npos ? 0 : std::stoul(answer.headers.substr(at + length.size()));
    while (rest_.size() < size)
        if (!more()) break;
    answer.body = rest_.substr(0, size);
    rest_.erase(0, size);
    return answer;
}

bool HttpConnection::ended(std::chrono::milliseconds deadline) const {
    const auto until = std::chrono::steady_clock::now() + deadline;
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
        char bytes[4096];
        if (left.count() <= 0 || !readable_within(socket_.get(), left)) return false;
        if (::recv(socket_.get(), bytes, sizeof bytes, 0) <= 0) return true;
    }
}

HttpAnswer http(const std::string& address, std::string_view method, std::string_view path, std::string_view lines,
                std::string_view body) {
    HttpConnection connection{address};
    std::string request{method};
    request += " " + std::string{path} + " HTTP/1.1\r\nConnection: close\r\n" + std::string{lines};
    if (!lines.contains("Host:")) request += "Host: localhost\r\n";
    if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    connection.send(request + "\r\n" + std::string{body});
    return connection.receive();
}

}  // namespace caisson::test
