// SPDX-License-Identifier: Apache-2.0
/// HTTP on the loop's own thread: connections in, requests out, answers back, within bounds. What a request means is
/// not known here. libmicrohttpd does the protocol, behind this header and nowhere else.
///
/// The library runs no thread and waits for nothing: its epoll descriptor is one that the loop watches, and its
/// timeouts are a timer that is armed only while somebody is connected. An answer may come later; its connection rests
/// until then.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/access.hpp"

namespace caisson::control {

/// A request, whole.
struct HttpRequest {
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    std::string method;
    std::string path;          ///< decoded, without the query
    Pairs query;               ///< decoded
    Pairs headers;             ///< names in lower case
    std::string body;          ///< at most limits::http_body_bytes
    std::optional<Peer> peer;  ///< who asks over a Unix socket; over a network nobody knows

    [[nodiscard]] std::optional<std::string_view> header(std::string_view lower_name) const;
    [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

struct HttpResponse {
    int status = 200;
    std::string content_type = "application/json";
    std::string body = {};
    std::span<const std::byte> lasting = {};  ///< instead of `body`: lives as long as the program
    std::vector<std::pair<std::string, std::string>> headers = {};
};

class HttpServer {
   public:
    /// Called once, from inside the handler or later.
    using Respond = std::move_only_function<void(HttpResponse)>;
    using Handle = std::function<void(const HttpRequest&, Respond)>;

    /// Fails if the kernel has no descriptors for it.
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> make(Loop& loop, Log& log, Handle handle);
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;
    /// Not from inside a handler.
    ~HttpServer();

    /// Serves a connection, non-blocking. Who comes when there are limits::http_connections is hung up on.
    void take(Fd connection);
    [[nodiscard]] std::size_t connections() const;

   private:
    struct Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace caisson::control
