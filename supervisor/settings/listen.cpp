// SPDX-License-Identifier: Apache-2.0
#include "settings/listen.hpp"

#include <arpa/inet.h>

#include <charconv>

#include "base/text.hpp"

namespace caisson::settings {
namespace {

constexpr std::string_view choices = R"(write "unix", "off", a path, or an address such as "127.0.0.1:9464")";

bool is_v4(const std::string& host) {
    in_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1;
}

bool is_v6(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

}  // namespace

bool is_address(std::string_view host) { return is_v4(std::string{host}) || is_v6(std::string{host}); }

bool is_loopback(std::string_view host) {
    return host == "::1" || (host.starts_with("127.") && is_v4(std::string{host}));
}

Result<Listen> parse_listen(std::string_view text) {
    if (text == "off") return Listen{.kind = Listen::Kind::off};
    if (text == "unix") return Listen{};
    if (text.find('/') != std::string_view::npos) return Listen{.kind = Listen::Kind::path, .path = text};
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return fail(cat("is ", in_quotes(text)), std::string{choices});
    auto host = text.substr(0, colon);
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (brackets) host = host.substr(1, host.size() - 2);
    if (host == "localhost") host = "127.0.0.1";
    const std::string number{host};
    if (brackets ? !is_v6(number) : !is_v4(number))
        return fail(cat("has no address before its port: ", in_quotes(host)),
                    "numbers only, such as 127.0.0.1 or [::1]; names are not looked up");
    Listen listen{.kind = Listen::Kind::tcp, .host = number};
    const auto digits = text.substr(colon + 1);
    const auto* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, listen.port);
    if (digits.empty() || read.ec != std::errc{} || read.ptr != end)
        return fail(cat("has no port from 0 to 65535: ", in_quotes(digits)), std::string{choices});
    return listen;
}

std::filesystem::path http_socket_beside(const std::filesystem::path& socket) {
    auto name = socket.stem();
    name += ".http";
    name += socket.extension();
    return socket.parent_path() / name;
}

}  // namespace caisson::settings
