// SPDX-License-Identifier: Apache-2.0
#include "control/session.hpp"

#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "wire/handshake.hpp"

namespace caisson::control {

using nlohmann::json;

Session::Session(Service& service, Fd socket, Peer peer)
    : service_(service),
      peer_(std::move(peer)),
      channel_(service.loop, std::move(socket),
               {.on_frame = [this](const wire::Frame& frame) { on_frame(frame); },
                .on_end =
                    [this](const Channel::Ending& ending) {
                        if (ending.kind == Channel::Ending::Kind::garbage)
                            service_.log.warn("client ended: it broke the protocol",
                                              {{"uid", peer_.uid}, {"pid", peer_.pid}, {"why", ending.text}});
                        leave();
                    },
                .on_drained = [this] { channel_.resume_reading(); }}),
      timer_(service.loop.timer()),
      last_frame_(Clock::now()) {
    timer_.arm_after(service_.settings.handshake_timeout,
                     [this] { end("timeout", "no hello within service.handshake_timeout"); });
}

Session::~Session() {
    for (const auto& [id, token] : calls_) service_.dispatcher.abandon(token);
}

// ---- what the client says -------------------------------------------------------------------------------------------

void Session::on_frame(const wire::Frame& frame) {
    last_frame_ = Clock::now();
    const auto type = frame.header.type;
    if (!greeted_)
        return type == wire::Type::hello ? on_hello(frame) : end("protocol", "the first frame must be hello");
    switch (type) {
        case wire::Type::call:
            return on_call(frame);
        case wire::Type::cancel:
            if (const auto found = calls_.find(frame.header.id); found != calls_.end())
                service_.dispatcher.cancel(found->second);
            return;
        case wire::Type::request:
            return on_request(frame);
        case wire::Type::goodbye:
            return leave();
        default:
            return end("protocol", cat("a client does not send frames of type ", static_cast<unsigned>(type)));
    }
}

void Session::on_hello(const wire::Frame& frame) {
    const auto theirs = wire::VersionRange::from(frame.header.a);
    const wire::VersionRange ours;
    const auto version = wire::choose_version(ours, theirs);
    if (!version)
        return end("version", cat("no common version of the protocol: the service speaks ", ours.min, " to ", ours.max,
                                  ", the client ", theirs.min, " to ", theirs.max));
    if (!service_.access.allows(peer_, Verb::call))
        return end("denied", cat("user ", peer_.uid, " may not use this service (access.call)"));
    greeted_ = true;
    channel_.send({.type = wire::Type::welcome, .a = *version},
                  json{{"service", "caisson"}, {"version", version_text}}.dump());
    timer_.cancel();
    watch_idle();
}

void Session::on_call(const wire::Frame& frame) {
    const auto& header = frame.header;
    const auto head = frame.head();
    if (header.a > head.size() || header.a > wire::max_target_bytes || calls_.contains(header.id))
        return end("protocol", "a broken call: its target is larger than its head, or its number is in use");
    const auto target = head.substr(0, header.a);
    const auto dot = target.find('.');
    dispatch::Request request{.pool = target.substr(0, dot),
                              .method = dot == std::string_view::npos ? std::string_view{} : target.substr(dot + 1),
                              .params = head.substr(header.a),
                              .body = frame.body(),
                              .encoding = header.encoding};
    if (header.time_ns > 0) request.timeout = std::min<Duration>(Duration{header.time_ns}, limits::call_timeout_max);
    if (header.time_ns < 0) request.timeout = Duration::zero();
    const auto refuse = [&](const char* bound, std::uint64_t most) {
        const auto document = json{
            {"outcome", "refused"},
            {"pool", printable(request.pool)},
            {"method", printable(request.method)},
            {"bound", bound},
            {"message", cat("over the bound ", std::string_view{bound}, " (", most,
                            ")")}}.dump();
        on_outcome(header.id, {.kind = wire::OutcomeKind::refused, .json = document});
    };
    if (request.body.size() > wire::max_body_bytes) return refuse("max_body_bytes", wire::max_body_bytes);
    if (request.params.size() > wire::max_params_bytes) return refuse("max_params_bytes", wire::max_params_bytes);
    if (calls_.size() >= limits::session_calls) return refuse("session_calls", limits::session_calls);
    const auto token = service_.dispatcher.submit(request, *this, header.id);
    if (token != 0) calls_.emplace(header.id, token);
}

void Session::on_request(const wire::Frame& frame) {
    const auto reply = service_.answer(peer_, frame.head());
    channel_.send({.type = wire::Type::reply, .id = frame.header.id, .a = reply.ok ? 0U : 1U}, reply.json);
    check_output();
}

// ---- what becomes of its calls --------------------------------------------------------------------------------------

void Session::on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) {
    channel_.send({.type = wire::Type::chunk, .encoding = encoding, .id = id}, {}, {}, bytes);
    check_output();
}

void Session::on_progress(std::uint64_t id, double fraction, std::string_view note) {
    channel_.send({.type = wire::Type::progress, .id = id, .a = static_cast<std::uint32_t>(fraction * 1e6)}, note);
}

void Session::on_outcome(std::uint64_t id, const dispatch::Outcome& outcome) {
    calls_.erase(id);
    channel_.send({.type = wire::Type::outcome,
                   .encoding = outcome.encoding,
                   .id = id,
                   .a = static_cast<std::uint32_t>(outcome.kind)},
                  outcome.json, {}, outcome.body);
    check_output();
}

// A client that asks and does not listen: first it is not heard any more, then it is let go.
void Session::check_output() {
    const auto waiting = channel_.waiting_bytes();
    if (waiting > limits::session_output_bytes)
        end("bound", "it does not take its answers (session_output_bytes)");
    else if (waiting > limits::session_output_high_water_bytes)
        channel_.pause_reading();
}

// ---- end ------------------------------------------------------------------------------------------------------------

void Session::watch_idle() {
    const auto bound = service_.settings.idle_timeout;
    if (bound.count() == 0) return;
    timer_.arm_at(last_frame_ + bound, [this, bound] {
        if (calls_.empty() && Clock::now() - last_frame_ >= bound)
            return end("timeout", "idle for longer than service.idle_timeout");
        if (!calls_.empty()) last_frame_ = Clock::now();  // a client that waits for an answer is not idle
        watch_idle();
    });
}

void Session::end(std::string_view reason, std::string_view message) {
    if (ended_) return;
    service_.log.info("client let go", {{"uid", peer_.uid}, {"pid", peer_.pid}, {"why", message}});
    channel_.send({.type = wire::Type::goodbye}, json{{"reason", reason}, {"message", message}}.dump());
    channel_.flush();
    leave();
}

void Session::leave() {
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    channel_.close();
    for (const auto& [id, token] : std::exchange(calls_, {})) service_.dispatcher.abandon(token);
    service_.on_end(*this);
}

}  // namespace caisson::control
