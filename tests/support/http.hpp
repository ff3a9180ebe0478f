// SPDX-License-Identifier: Apache-2.0
/// HTTP as a test speaks it: bytes over a socket, so that they can be wrong, too.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "support/eventually.hpp"

namespace caisson::test {

struct HttpAnswer {
    int status = 0;       ///< 0: nothing came
    std::string headers;  ///< in lower case
    std::string body;
    [[nodiscard]] nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
    [[nodiscard]] bool has(std::string_view header_line) const { return headers.contains(header_line); }
};

/// One connection to "http://ADDRESS:PORT" or "unix:PATH".
class HttpConnection {
   public:
    /// Throws if nobody listens.
    explicit HttpConnection(const std::string& address);
    void send(std::string_view bytes) const;
    /// Reads up to the end of one answer, or of the connection.
    [[nodiscard]] HttpAnswer receive(std::chrono::milliseconds deadline = patience);
    /// The other side has hung up, within the deadline.
    [[nodiscard]] bool ended(std::chrono::milliseconds deadline = patience) const;

   private:
    Fd socket_;
    std::string rest_;
};

/// One request on a connection of its own. `lines` are more headers, each with its end.
[[nodiscard]] HttpAnswer http(const std::string& address, std::string_view method, std::string_view path,
                              std::string_view lines = {}, std::string_view body = {});
[[nodiscard]] inline HttpAnswer get(const std::string& address, std::string_view path) {
    return http(address, "GET", path);
}

}  // namespace caisson::test
