// SPDX-License-Identifier: Apache-2.0
#include "client/greeting.hpp"

#include "client/document.hpp"
#include "wire/handshake.hpp"

namespace caisson::client {
namespace {

using wire::Frame;
using wire::Type;
using Kind = ClientError::Kind;

// The first answer of the peer: nothing if the session may begin.
std::optional<ClientError> judge_welcome(const Frame& frame, const std::string& where) {
    if (frame.header.type == Type::goodbye) {
        const auto reason = text_field(frame.head(), "reason");
        const auto kind = reason == "version" || reason == "protocol" ? Kind::protocol : Kind::denied;
        return ClientError{kind, "the service at " + where + " refused the session: " + goodbye_text(frame.head())};
    }
    if (frame.header.type != Type::welcome)
        return ClientError{Kind::protocol, "the peer at " + where + " does not speak Caisson's protocol"};
    const wire::VersionRange ours;
    if (frame.header.a < ours.min || frame.header.a > ours.max)
        return ClientError{Kind::protocol, "the service at " + where + " chose protocol version " +
                                               std::to_string(frame.header.a) + ", and this client speaks " +
                                               std::to_string(ours.min) + " to " + std::to_string(ours.max)};
    return std::nullopt;
}

}  // namespace

std::optional<ClientError> shake_hands(Link& link, const std::string& where, Deadline deadline) {
    wire::append_frame(link.output(), {.type = Type::hello, .a = wire::VersionRange{}.packed()},
                       wire::bytes_of(hello_text()));
    for (;;) {
        link.flush();
        const auto received = link.receive();
        if (const auto frame = link.next_frame()) return judge_welcome(*frame, where);
        if (link.broken())
            return ClientError{Kind::protocol, "the peer at " + where + " does not speak Caisson's protocol: it sent " +
                                                   std::string{wire::word(*link.broken())}};
        if (received == Link::Received::end)
            return ClientError{Kind::lost,
                               "the service at " + where + " closed the session at once: " + link.why_ended()};
        if (received == Link::Received::nothing && !link.wait(deadline))
            return ClientError{Kind::timeout,
                               "the service at " + where + " took the connection but does not answer; it may hang"};
    }
}

}  // namespace caisson::client
