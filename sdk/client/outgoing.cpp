// SPDX-License-Identifier: Apache-2.0
#include "client/outgoing.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>

#include "client/sealed.hpp"

namespace caisson::client {
namespace {

using Kind = ClientError::Kind;

std::optional<ClientError> over_bound(std::string_view what, std::uint64_t size, std::uint64_t bound,
                                      std::string_view name) {
    if (size <= bound) return std::nullopt;
    return ClientError{Kind::too_large, std::string{what} + " has " + std::to_string(size) + " bytes, more than " +
                                            std::string{name} + " (" + std::to_string(bound) + ")"};
}

ClientError out_of_range(std::string_view what, std::int64_t value, std::int64_t min, std::int64_t max) {
    return {Kind::invalid, std::string{what} + " is " + std::to_string(value) + ", and must be from " +
                               std::to_string(min) + " to " + std::to_string(max)};
}

std::int64_t timeout_ns(const std::optional<std::chrono::milliseconds>& timeout) {
    if (!timeout) return 0;                // the pool's
    if (timeout->count() == 0) return -1;  // none
    constexpr std::int64_t most_ms = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    // A time that has already passed is as short as can be, not "none".
    return timeout->count() < 0 ? 1 : std::min<std::int64_t>(timeout->count(), most_ms) * 1'000'000;
}

// The caller's own memfd: the service would end the session for one that it does not believe.
std::expected<OutgoingBody, ClientError> lent_body(const CallRequest& request) {
    if (!request.body.empty())
        return std::unexpected(
            ClientError{Kind::invalid, "the request has a body and a memfd; one of them is too much"});
    const auto bytes = sealed_size(request.memory);
    if (!bytes)
        return std::unexpected(
            ClientError{Kind::invalid,
                        "the memory of the request is not a memfd that is sealed with F_SEAL_SHRINK, "
                        "F_SEAL_GROW and F_SEAL_WRITE"});
    if (auto error = over_bound("the memory of the request", *bytes, wire::max_memory_bytes, "max_memory_bytes"))
        return std::unexpected(std::move(*error));
    Descriptor copy{::fcntl(request.memory, F_DUPFD_CLOEXEC, 0)};
    if (!copy)
        return std::unexpected(ClientError{
            Kind::invalid, "the memfd of the request cannot be duplicated: " + std::generic_category().message(errno)});
    return OutgoingBody{.detached = true, .memory = std::move(copy), .memory_bytes = *bytes};
}

}  // namespace

std::optional<ClientError> fault_of(const CallRequest& request) {
    if (auto error = over_bound("the target", request.target.size(), wire::max_target_bytes, "max_target_bytes"))
        return error;
    if (auto error = over_bound("params", request.params.size(), wire::max_params_bytes, "max_params_bytes"))
        return error;
    if (request.priority < wire::min_priority || request.priority > wire::max_priority)
        return out_of_range("the priority", request.priority, wire::min_priority, wire::max_priority);
    if (request.retries && *request.retries > wire::max_retries)
        return out_of_range("the number of retries", *request.retries, 0, wire::max_retries);
    return std::nullopt;
}

std::optional<ClientError> fault_of_request(std::string_view json) {
    return over_bound("the request", json.size(), wire::max_document_bytes, "max_document_bytes");
}

wire::Header header_of(const CallRequest& request, wire::Type type, std::uint64_t id) {
    const wire::Target target{.bytes = static_cast<std::uint16_t>(request.target.size()),
                              .priority = static_cast<std::int8_t>(request.priority)};
    return {.type = type,
            .encoding = static_cast<wire::Encoding>(request.encoding),
            .flags = request.keep ? wire::flag::keep : std::uint8_t{0},
            .attempt = static_cast<std::uint8_t>(request.retries ? 1 + *request.retries : 0),
            .id = id,
            .a = target.packed(),
            .time_ns = timeout_ns(request.timeout)};
}

std::expected<OutgoingBody, ClientError> body_of(const CallRequest& request) {
    if (request.memory >= 0) return lent_body(request);
    const auto bytes = request.body.size();
    if (bytes <= wire::inline_body_bytes) return OutgoingBody{.bytes = request.body};
    if (auto error = over_bound("the body", bytes, wire::max_memory_bytes, "max_memory_bytes"))
        return std::unexpected(std::move(*error));
    auto memory = sealed_copy(request.body);
    if (memory) return OutgoingBody{.detached = true, .memory = std::move(*memory), .memory_bytes = bytes};
    // Without a descriptor or memory left, what may travel in the frame does.
    if (bytes <= wire::max_body_bytes) return OutgoingBody{.bytes = request.body};
    return std::unexpected(ClientError{
        Kind::too_large, "the body has " + std::to_string(bytes) +
                             " bytes, and no memfd can take them: " + std::generic_category().message(memory.error())});
}

}  // namespace caisson::client
