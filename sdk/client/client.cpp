// SPDX-License-Identifier: Apache-2.0
#include "client/client.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <limits>
#include <utility>

#include "client/call_table.hpp"
#include "client/document.hpp"
#include "client/greeting.hpp"
#include "client/link.hpp"
#include "client/reach.hpp"
#include "wire/outcome.hpp"

namespace caisson {
namespace {

using client::CallTable;
using client::Deadline;
using client::Link;
using client::OpenCall;
using wire::Frame;
using wire::Type;
using Kind = ClientError::Kind;

// The send buffer is written out when it passes this, even if the caller goes on submitting.
constexpr std::size_t gather_bytes = 64 * 1024;

std::optional<ClientError> over_bound(std::string_view what, std::size_t size, std::size_t bound,
                                      std::string_view name) {
    if (size <= bound) return std::nullopt;
    return ClientError{Kind::too_large, std::string{what} + " has " + std::to_string(size) + " bytes, more than " +
                                            std::string{name} + " (" + std::to_string(bound) + ")"};
}

std::optional<ClientError> over_bounds(const CallRequest& request) {
    if (auto error = over_bound("the target", request.target.size(), wire::max_target_bytes, "max_target_bytes"))
        return error;
    if (auto error = over_bound("params", request.params.size(), wire::max_params_bytes, "max_params_bytes"))
        return error;
    return over_bound("the body", request.body.size(), wire::max_body_bytes, "max_body_bytes");
}

std::int64_t timeout_ns(const std::optional<std::chrono::milliseconds>& timeout) {
    if (!timeout) return 0;                // the pool's
    if (timeout->count() == 0) return -1;  // none
    constexpr std::int64_t most_ms = std::numeric_limits<std::int64_t>::max() / 1'000'000;
    // A time that has already passed is as short as can be, not "none".
    return timeout->count() < 0 ? 1 : std::min<std::int64_t>(timeout->count(), most_ms) * 1'000'000;
}

// An event that waits, with the memory that a Piece points into.
struct Waiting {
    Event event;
    std::string bytes;
};

}  // namespace

std::string_view word(Outcome outcome) { return wire::outcome_words[static_cast<std::size_t>(outcome)]; }

struct Client::State {
    explicit State(int descriptor) : link(descriptor) {}

    Link link;
    CallTable calls;
    std::deque<Waiting> waiting;       // events that came while something else was waited for
    std::string piece;                 // what the Piece that was handed out last points into, if it had waited
    std::optional<Done> after_piece;   // the Done of a call whose last Piece has just been handed out
    std::optional<ClientError> error;  // set once: the session is over
    std::uint64_t awaited_reply = 0;
    std::optional<Answer> answer;

    void keep(Event event) {
        Waiting entry{std::move(event), {}};
        if (const auto* part = std::get_if<Piece>(&entry.event)) entry.bytes = part->bytes;
        waiting.push_back(std::move(entry));
    }

    // The session is over: every call that is out gets its Done, in the order of submission.
    void lose(Kind kind, std::string why) {
        if (error) return;
        error = ClientError{kind, std::move(why)};
        for (const auto id : calls.drain()) keep(client::lost_call(id, error->message));
    }
    void violated(std::string_view what) {
        lose(Kind::protocol, "the service broke the protocol: " + std::string{what});
    }

    std::optional<Event> on_chunk(const Frame& frame) {
        OpenCall* call = calls.find(frame.header.id);
        if (call == nullptr) return violated("output for a call that is not under way"), std::nullopt;
        const auto bytes = Frame::text(frame.body());
        if (call->stream) return Piece{call->id, bytes};
        collect(*call, bytes);
        return std::nullopt;
    }

    void collect(OpenCall& call, std::string_view bytes) {
        if (call.overflowed) return;
        if (bytes.size() > max_output_bytes - call.output.size()) {
            call.overflowed = true;
            call.output = {};
            wire::append_frame(link.output(), {.type = Type::cancel, .id = call.id}, {});
            return;
        }
        call.output += bytes;
    }

    std::optional<Event> on_progress(const Frame& frame) {
        if (calls.find(frame.header.id) == nullptr) return std::nullopt;
        return Progress{frame.header.id, std::min(frame.header.a, 1'000'000U) / 1e6, std::string{frame.head()}};
    }

    std::optional<Event> on_outcome(const Frame& frame) {
        OpenCall* call = calls.find(frame.header.id);
        const auto kind = wire::outcome_from(frame.header.a);
        if (call == nullptr || !kind) return violated("an outcome for no call, or of no kind"), std::nullopt;
        const auto body = Frame::text(frame.body());
        if (!call->stream) collect(*call, body);
        Done done{call->id, {}};
        done.result.outcome = static_cast<Outcome>(*kind);
        done.result.encoding = static_cast<BodyEncoding>(frame.header.encoding);
        if (*kind != wire::OutcomeKind::ok) {
            done.result.json = frame.head();
            done.result.message = client::text_field(frame.head(), "message");
        }
        done.result.output = std::move(call->output);
        if (call->overflowed) done.result = client::overflowed(call->id);
        const bool piece_first = call->stream && !body.empty();
        calls.remove(*call);
        if (!piece_first) return done;
        const auto id = done.call;
        after_piece = std::move(done);
        return Piece{id, body};
    }

    void on_reply(const Frame& frame) {
        if (frame.header.id != awaited_reply) return;  // nobody waits for it any longer
        awaited_reply = 0;
        answer = Answer{.ok = frame.header.a == 0, .json = std::string{frame.head()}};
    }

    std::optional<Event> take(const Frame& frame) {
        switch (frame.header.type) {
            case Type::chunk:
                return on_chunk(frame);
            case Type::progress:
                return on_progress(frame);
            case Type::outcome:
                return on_outcome(frame);
            case Type::reply:
                on_reply(frame);
                return std::nullopt;
            case Type::goodbye: {
                lose(Kind::lost, "the service ended the session: " + client::goodbye_text(frame.head()));
                return std::nullopt;
            }
            default:
                violated("a frame that is not for clients");
                return std::nullopt;
        }
    }

    // The next event that is already here.
    std::optional<Event> at_hand() {
        if (!waiting.empty()) {
            auto first = std::move(waiting.front());
            waiting.pop_front();
            piece = std::move(first.bytes);
            if (auto* part = std::get_if<Piece>(&first.event)) part->bytes = piece;
            return std::move(first.event);
        }
        return arrived();
    }

    // The next event among the frames that came; those that wait are left alone.
    std::optional<Event> arrived() {
        if (after_piece) return *std::exchange(after_piece, std::nullopt);
        while (!error) {
            const auto frame = link.next_frame();
            if (!frame) break;
            if (auto event = take(*frame)) return event;
        }
        if (const auto broken = link.broken(); broken && !error) violated(wire::word(*broken));
        return std::nullopt;
    }

    // Sends, and reads more, waiting for it if need be. False when the deadline came first.
    bool more(Deadline deadline) {
        for (;;) {
            link.flush();
            switch (link.receive()) {
                case Link::Received::some:
                    return true;
                case Link::Received::end:
                    lose(Kind::lost, "the session was lost: " + link.why_ended());
                    return true;
                case Link::Received::nothing:
                    break;
            }
            if (!link.wait(deadline)) return false;
        }
    }

    std::optional<CallResult> take_done(std::uint64_t id) {
        const auto found = std::ranges::find_if(waiting, [&](const Waiting& entry) {
            const auto* done = std::get_if<Done>(&entry.event);
            return done != nullptr && done->call == id;
        });
        if (found == waiting.end()) return std::nullopt;
        auto result = std::move(std::get<Done>(found->event).result);
        waiting.erase(found);
        return result;
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
    if (auto error = client::shake_hands(state->link, socket.string(), deadline))
        return std::unexpected(std::move(*error));
    return Client{std::move(state)};
}

Client::Client(std::unique_ptr<State> state) : state_(std::move(state)) {}
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;
Client::~Client() = default;

std::expected<std::uint64_t, ClientError> Client::submit(const CallRequest& request) {
    if (state_->error) return std::unexpected(*state_->error);
    if (auto error = over_bounds(request)) return std::unexpected(std::move(*error));
    OpenCall& call = state_->calls.add();
    call.stream = request.stream;
    wire::append_frame(state_->link.output(),
                       {.type = Type::call,
                        .encoding = static_cast<wire::Encoding>(request.encoding),
                        .id = call.id,
                        .a = static_cast<std::uint32_t>(request.target.size()),
                        .time_ns = timeout_ns(request.timeout)},
                       request.target, request.params, request.body);
    if (state_->link.unsent() >= gather_bytes) state_->link.flush();
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
        if (state_->error) return state_->take_done(*id).value_or(CallResult{});
        (void)state_->more(std::nullopt);
    }
}

void Client::cancel(std::uint64_t call) {
    if (state_->calls.find(call) == nullptr) return;
    wire::append_frame(state_->link.output(), {.type = Type::cancel, .id = call}, {});
}

std::expected<void, ClientError> Client::flush() {
    if (state_->error) return std::unexpected(*state_->error);
    state_->link.flush();
    return {};
}

std::expected<std::optional<Event>, ClientError> Client::next(std::chrono::milliseconds patience) {
    // The deadline is taken only when there is something to wait for: most events are already here.
    Deadline deadline;
    for (bool waited = false;; waited = true) {
        if (auto event = state_->at_hand()) return event;
        if (!state_->waiting.empty()) continue;  // the session has just been lost
        if (state_->error) return std::unexpected(*state_->error);
        if (!waited) deadline = client::deadline_after(patience);
        if (!state_->more(deadline)) return std::nullopt;
    }
}

std::size_t Client::outstanding() const {
    const auto ended = std::ranges::count_if(
        state_->waiting, [](const Waiting& entry) { return std::holds_alternative<Done>(entry.event); });
    return state_->calls.size() + static_cast<std::size_t>(ended) + (state_->after_piece ? 1 : 0);
}

std::size_t Client::unsent() const { return state_->link.unsent(); }

int Client::descriptor() const { return state_->link.descriptor(); }

std::expected<Client::Answer, ClientError> Client::request(std::string_view json, std::chrono::milliseconds patience) {
    if (state_->error) return std::unexpected(*state_->error);
    if (auto error = over_bound("the request", json.size(), wire::max_document_bytes, "max_document_bytes"))
        return std::unexpected(std::move(*error));
    const auto deadline = client::deadline_after(patience);
    const auto id = state_->calls.take_id();
    state_->awaited_reply = id;
    state_->answer.reset();
    wire::append_frame(state_->link.output(), {.type = Type::request, .id = id}, wire::bytes_of(json));
    for (;;) {
        while (auto event = state_->arrived()) state_->keep(std::move(*event));
        if (state_->answer) return std::move(*std::exchange(state_->answer, std::nullopt));
        if (state_->error) return std::unexpected(*state_->error);
        if (!state_->more(deadline)) break;
    }
    state_->awaited_reply = 0;
    return std::unexpected(ClientError{Kind::timeout, "the service did not answer in time"});
}

}  // namespace caisson
