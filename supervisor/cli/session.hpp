// SPDX-License-Identifier: Apache-2.0
/// Reaching the service for a subcommand: errors are said on the error stream, and come back as an exit code.
#pragma once

#include <chrono>
#include <expected>
#include <string>

#include "cli/command.hpp"
#include "cli/document.hpp"
#include "client/client.hpp"

namespace caisson::cli {

/// The path that --socket names, else the client's default.
[[nodiscard]] std::filesystem::path socket_path(const Context& context);

[[nodiscard]] std::expected<Client, int> open_session(const Context& context);

/// A reply of the service: as it came, and read.
struct Reply {
    std::string raw;
    Json document;
};

/// For an answer to a request. Long enough for a reload that compares many libraries.
inline constexpr std::chrono::seconds reply_patience{60};

/// Sends one request. `doing` names it in an error, such as "resize math".
[[nodiscard]] std::expected<Reply, int> ask(const Context& context, Client& client, const Json& request,
                                            std::string_view doing,
                                            std::chrono::milliseconds patience = reply_patience);

/// Writes to the output stream: the exit code is exit_ok, also when the reader has gone, or exit_io after saying why.
[[nodiscard]] int print(const Context& context, std::string_view text);

/// One request and its reply, on a session of its own. With --json the reply itself is printed, else what `render`
/// makes of it.
[[nodiscard]] int ask_and_print(const Context& context, const Json& request, std::string_view doing,
                                const std::function<std::string(const Json&)>& render);

}  // namespace caisson::cli
