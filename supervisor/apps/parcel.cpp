// SPDX-License-Identifier: Apache-2.0
#include "apps/parcel.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace caisson::apps {
namespace {

/// What one session can have in hand: the largest frame twice (one parked, one under way), and its output.
constexpr std::size_t max_parcel_bytes =
    2 * (sizeof(wire::Header) + wire::max_payload_bytes) + limits::session_output_bytes;

}  // namespace

Result<Message> message_of(control::Session::Parcel parcel) {
    auto& rest = parcel.rest;
    Message message{.document = {{"type", "session"},
                                 {"greeted", parcel.greeted},
                                 {"received", rest.received.size()},
                                 {"unsent", rest.unsent.size()}}};
    message.descriptors.push_back({"socket", std::move(rest.socket)});
    for (auto& descriptor : rest.received_descriptors)
        message.descriptors.push_back({"received", std::move(descriptor)});
    if (rest.received.empty() && rest.unsent.empty()) return message;
    rest.received.insert(rest.received.end(), rest.unsent.begin(), rest.unsent.end());
    auto memory = memory_of(wire::Frame::text(rest.received));
    if (!memory) return std::unexpected(memory.error());
    message.descriptors.push_back({"bytes", std::move(*memory)});
    return message;
}

Result<control::Session::Parcel> parcel_of(Message message) {
    control::Session::Parcel parcel;
    parcel.rest.socket = message.take("socket");
    parcel.greeted = message.flag("greeted");
    if (!parcel.rest.socket) return fail("a session without a socket");
    while (auto descriptor = message.take("received"))
        parcel.rest.received_descriptors.push_back(std::move(descriptor));
    const auto received = message.number("received");
    const auto unsent = message.number("unsent");
    const auto memory = message.take("bytes");
    if (received == 0 && unsent == 0 && !memory) return parcel;
    const auto bytes = bytes_of(memory, max_parcel_bytes);
    if (!bytes) return std::unexpected(bytes.error());
    if (received > bytes->size() || unsent != bytes->size() - received)
        return fail(cat("a session whose bytes are not as many as announced"));
    const auto all = wire::bytes_of(*bytes);
    const auto first = all.first(static_cast<std::size_t>(received));
    const auto second = all.subspan(static_cast<std::size_t>(received));
    parcel.rest.received.assign(first.begin(), first.end());
    parcel.rest.unsent.assign(second.begin(), second.end());
    return parcel;
}

}  // namespace caisson::apps
