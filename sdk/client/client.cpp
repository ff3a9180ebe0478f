// SPDX-License-Identifier: Apache-2.0
#include "client/client.hpp"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "client/greeting.hpp"
#include "client/outgoing.hpp"
#include "client/reach.hpp"
#include "client/session.hpp"
#include "wire/outcome.hpp"

namespace caisson {
namespace {

using client::Deadline;
using wire::Type;
using Kind = ClientError::Kind;

// The send buffer is written out when it passes this, even if the caller goes on submitting.
constexpr std::size_t gather_bytes = 64 * 1024;
// The same for memfds: each that waits is an open file of the caller's process.
constexpr std::size_t gather_descriptors = 16;

}  // namespace

std::string_view word(Outcome outcome) { return wire::outcome_words[static_cast<std::size_t>(outcome)]; }

struct Client::State : client::Session {
    using Session::Session;

    void flush_if_much() {
        if (link().unsent() >= gather_bytes || link().unsent_descriptors() >= gather_descriptors) link().flush();
    }
};

std::filesystem::path Client::default_socket() {
    if (const char* socket = std::getenv("CAISSON_SOCKET"); socket != nullptr && *socket != '\0') return socket;
    const char* runtime = std::getenv("XDG_RUNTIME_DIR");
    if (::geteuid() != 0 && runtime != nullptr && *runtime != '\0')
        return std::filesystem::path{runtime} / "caisson" / "caisson.sock";
    return "/run/caisson/caisson.sock";
}

std::expected<Client, ClientError> Client::connect(const std::filesystem::path& socket,
                                                   std::chrono::milliseconds patience) {
    const auto deadline = client::deadline_after(patience);
    const auto descriptor = client::reach(socket, patience);
    if (!descriptor) return std::unexpected(descriptor.error());
    auto state = std::make_unique<State>(*descriptor);
    if (auto error = client::shake_hands(state->link(), socket.string(), deadline))
        return std::unexpected(std::move(*error));
    return Client{std::move(state)};
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

std::expected<std::uint64_t, ClientError> Client::submit(const CallRequest& request) {
    if (state_->error()) return std::unexpected(*state_->error());
    if (auto fault = client::fault_of(request)) return std::unexpected(std::move(*fault));
    auto body = client::body_of(request);
    if (!body) return std::unexpected(std::move(body.error()));
    auto& call = state_->calls().add();
    call.stream = request.stream;
    auto header = client::header_of(request, Type::call, call.id);
    if (request.stream) header.flags |= wire::flag::stream;
    if (body->detached) header.flags |= wire::flag::detached;
    if (body->detached) state_->link().attach(std::move(body->memory));
    wire::append_frame(state_->link().output(), header, request.target, request.params, body->in_frame());
    state_->flush_if_much();
    return call.id;
}

std::expected<std::uint64_t, ClientError> Client::submit(const CallRequest& request, const Batch& batch) {
    if (state_->error()) return std::unexpected(*state_->error());
    if (auto fault = client::fault_of(request)) return std::unexpected(std::move(*fault));
    if (batch.size() == 0) return std::unexpected(ClientError{Kind::invalid, "the batch has no items"});
    const auto& call = state_->calls().add(batch.size());
    wire::append_frame(state_->link().output(), client::header_of(request, Type::batch, call.id), request.target,
                       request.params, batch.bytes());
    state_->flush_if_much();
    return call.id;
}

std::expected<CallResult, ClientError> Client::call(const CallRequest& request) {
    CallRequest collected = request;
    collected.stream = false;
    const auto id = submit(collected);
    if (!id) return std::unexpected(id.error());
    for (;;) {
        while (auto event = state_->arrived()) {
            auto* done = std::get_if<Done>(&*event);
            if (done != nullptr && done->call == *id) return std::move(done->result);
            const auto* progress = std::get_if<Progress>(&*event);
            if (progress == nullptr || progress->call != *id) state_->keep(std::move(*event));
        }
        // Only the end of the session makes our Done wait among the others.
        if (state_->error()) return state_->take_done(*id).value_or(CallResult{});
        (void)state_->more(std::nullopt);
    }
}

void Client::cancel(std::uint64_t call) {
    if (state_->calls().find(call) == nullptr) return;
    wire::append_frame(state_->link().output(), {.type = Type::cancel, .id = call}, {});
}

std::expected<void, ClientError> Client::flush() {
    if (state_->error()) return std::unexpected(*state_->error());
    state_->link().flush();
    return {};
}

std::expected<std::optional<Event>, ClientError> Client::next(std::chrono::milliseconds patience) {
    // The deadline is taken only when there is something to wait for: most events are already here.
    Deadline deadline;
    for (bool waited = false;; waited = true) {
        if (auto event = state_->at_hand()) return event;
        if (state_->events_wait()) continue;  // the session has just been lost
        if (state_->error()) return std::unexpected(*state_->error());
        if (!waited) deadline = client::deadline_after(patience);
        if (!state_->more(deadline)) return std::nullopt;
    }
}

std::size_t Client::outstanding() const { return state_->outstanding(); }

std::size_t Client::unsent() const { return state_->link().unsent(); }

int Client::descriptor() const { return state_->link().descriptor(); }

std::expected<Client::Answer, ClientError> Client::request(std::string_view json, std::chrono::milliseconds patience) {
    if (state_->error()) return std::unexpected(*state_->error());
    if (auto fault = client::fault_of_request(json)) return std::unexpected(std::move(*fault));
    const auto deadline = client::deadline_after(patience);
    const auto id = state_->calls().take_id();
    state_->await_reply(id);
    wire::append_frame(state_->link().output(), {.type = Type::request, .id = id}, wire::bytes_of(json));
    for (;;) {
        while (auto event = state_->arrived()) state_->keep(std::move(*event));
        if (auto answer = state_->take_answer()) return std::move(*answer);
        if (state_->error()) return std::unexpected(*state_->error());
        if (!state_->more(deadline)) break;
    }
    state_->await_reply(0);
    return std::unexpected(ClientError{Kind::timeout, "the service did not answer in time"});
}

}  // namespace caisson
