// SPDX-License-Identifier: Apache-2.0
#include "control/session.hpp"

#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "base/version.hpp"
#include "wire/handshake.hpp"
#include "wire/records.hpp"

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
                .on_drained = [this] { on_drained(); },
                .on_gone = [this] { on_gone(); }}),
      timer_(service.loop.timer()),
      last_frame_(Clock::now()) {
    timer_.arm_after(service_.settings.handshake_timeout,
                     [this] { end("timeout", "no hello within service.handshake_timeout"); });
}

Session::Session(Service& service, Parcel parcel, Peer peer)
    : Session(service, std::move(parcel.rest.socket), std::move(peer)) {
    greeted_ = parcel.greeted;
    channel_.resume(std::move(parcel.rest));
    if (!greeted_) return;
    timer_.cancel();
    watch_idle();
    check_output();
}

Session::~Session() {
    *alive_ = false;
    abandon_calls();
    service_.dispatcher.forget(*this);
}

// ---- what the client says -------------------------------------------------------------------------------------------

void Session::on_frame(const wire::Frame& frame) {
    last_frame_ = Clock::now();
    const auto type = frame.header.type;
    if (leaving_ && type != wire::Type::cancel) return park(frame, {});
    if (!greeted_)
        return type == wire::Type::hello ? on_hello(frame) : end("protocol", "the first frame must be hello");
    switch (type) {
        case wire::Type::call:
        case wire::Type::batch:
            return on_call(frame);
        case wire::Type::cancel:
            return on_cancel(frame.header.id);
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

void Session::on_cancel(std::uint64_t id) {
    if (const auto* const open = calls_.find(id)) service_.dispatcher.cancel(open->handle);
}

void Session::on_call(const wire::Frame& frame) {
    const auto& header = frame.header;
    const auto target = wire::Target::from(header.a);
    const bool batch = header.type == wire::Type::batch;
    if (target.bytes > frame.head().size() || target.bytes > wire::max_target_bytes ||
        calls_.find(header.id) != nullptr)
        return end("protocol", "a broken call: its target is larger than its head, or its number is in use");
    if ((header.flags & (wire::flag::boxed | wire::flag::copied)) != 0)
        return end("protocol", "a broken call: it has flags that are for workers");
    if (target.priority < wire::min_priority || target.priority > wire::max_priority ||
        header.attempt > wire::max_retries + 1)
        return end("protocol", "a broken call: its priority or its retries are out of range");
    Fd memory;
    if (frame.has(wire::flag::detached)) {
        memory = channel_.take_descriptor();
        if (!memory || batch) return end("protocol", "a broken call: its body is in a memfd that did not come with it");
    }
    submit(frame, std::move(memory));
}

void Session::submit(const wire::Frame& frame, Fd memory) {
    const auto& header = frame.header;
    if (gone_ && !frame.has(wire::flag::keep)) return;
    const auto [target_bytes, priority] = wire::Target::from(header.a);
    const auto head = frame.head();
    const auto target = head.substr(0, target_bytes);
    const auto dot = target.find('.');
    dispatch::Request request{.pool = target.substr(0, dot),
                              .method = dot == std::string_view::npos ? std::string_view{} : target.substr(dot + 1),
                              .params = head.substr(target_bytes),
                              .body = memory ? std::span<const std::byte>{} : frame.body(),
                              .encoding = header.encoding,
                              .memory = memory ? &memory : nullptr,
                              .memory_bytes = memory ? frame.memory_bytes() : 0,
                              .priority = priority,
                              .stream = frame.has(wire::flag::stream),
                              .keep = frame.has(wire::flag::keep)};
    if (header.time_ns > 0) request.timeout = std::min<Duration>(Duration{header.time_ns}, limits::call_timeout_max);
    if (header.time_ns < 0) request.timeout = Duration::zero();
    if (header.attempt > 0) request.retries = header.attempt - 1U;
    if (header.type == wire::Type::batch) {
        wire::RecordReader records{frame.body()};
        while (records.next()) ++request.items;
        if (request.items == 0 || !records.at_end()) return end("protocol", "a batch that is no sequence of records");
    }
    if (out_of_bounds(request, header.id)) return;
    const auto items = std::max<std::uint32_t>(request.items, 1);
    // Before it is submitted, for an outcome may come from inside.
    auto& call = calls_.add(header.id, items);
    call.batch = request.items > 0;
    call.stream = request.stream;
    items_ += items;
    const auto handle = service_.dispatcher.submit(request, *this, header.id);
    auto* const open = calls_.find(header.id);
    if (handle) {
        if (open != nullptr) open->handle = *handle;
        if (ended_) service_.dispatcher.abandon(*handle);  // an outcome of it was one too many for the connection
        return;
    }
    items_ -= items;
    calls_.remove(*open);
    park(frame, std::move(memory));
}

void Session::park(const wire::Frame& frame, Fd memory) {
    parked_ = Parked{frame.header, {frame.payload.begin(), frame.payload.end()}, std::move(memory)};
    choose_reading();
}

// It is not listened to while a call of it is parked, nor while it does not listen itself.
void Session::choose_reading() {
    if (parked_ || held_)
        channel_.pause_reading();
    else
        channel_.resume_reading();
}

void Session::on_room() {
    if (!parked_ || ended_ || leaving_) return;
    // In a later turn: the scheduler is in the middle of its own.
    service_.loop.post([this, alive = alive_] {
        if (!*alive || !parked_ || ended_ || leaving_) return;
        auto parked = std::move(*parked_);
        parked_.reset();
        submit({.header = parked.header, .payload = parked.payload}, std::move(parked.memory));
        if (!ended_) choose_reading();
    });
}

// True if it was refused for a bound of the session or of the wire.
bool Session::out_of_bounds(const dispatch::Request& request, std::uint64_t id) {
    const auto items = std::max<std::uint32_t>(request.items, 1);
    const auto refuse = [&](const char* bound, std::string message, const char* hint = "") {
        json document{{"outcome", "refused"},
                      {"refusal", "session_bound"},
                      {"pool", printable(request.pool)},
                      {"method", printable(request.method)},
                      {"bound", bound},
                      {"message", std::move(message)}};
        if (*hint != '\0') document["hint"] = hint;
        const auto text = document.dump();
        send_outcome(id, {0, items}, {.kind = wire::OutcomeKind::refused, .json = text});
        check_output();
        return true;
    };
    const auto over = [&](const char* bound, std::uint64_t most) {
        return refuse(bound, cat("over the bound ", std::string_view{bound}, " (", most, ")"));
    };
    if (request.body.size() > wire::max_body_bytes) return over("max_body_bytes", wire::max_body_bytes);
    if (request.params.size() > wire::max_params_bytes) return over("max_params_bytes", wire::max_params_bytes);
    if (request.items > wire::max_batch_items) return over("max_batch_items", wire::max_batch_items);
    if (request.items > 0 &&
        request.body.size() > wire::max_batch_bytes + wire::max_batch_items * sizeof(std::uint32_t))
        return over("max_batch_bytes", wire::max_batch_bytes);
    if (items_ + items > limits::session_calls) return over("session_calls", limits::session_calls);
    if (request.memory == nullptr) return false;
    if (request.memory_bytes > wire::max_memory_bytes) return over("max_memory_bytes", wire::max_memory_bytes);
    if (const auto sealed = sys::check_sealed(*request.memory, request.memory_bytes); !sealed)
        return refuse("sealed_memory", cat("its body is in ", sealed.error().what), sealed.error().hint.c_str());
    return false;
}

void Session::on_request(const wire::Frame& frame) {
    if (requests_ >= limits::session_requests)
        return end("bound",
                   cat("too many requests without a reply (session_requests, ", limits::session_requests, ")"));
    ++requests_;
    const Requests::Asker asker{cat("user ", peer_.uid),
                                [this](Verb verb) { return service_.access.allows(peer_, verb); }};
    service_.requests.answer(
        asker, frame.head(), [this, alive = alive_, id = frame.header.id](const Requests::Reply& reply) {
            if (!*alive) return;
            --requests_;
            if (ended_) return;
            channel_.send({.type = wire::Type::reply, .id = id, .a = reply.ok ? 0U : 1U}, reply.json);
            check_output();
            leave_if_idle();
        });
}

// ---- what becomes of its calls --------------------------------------------------------------------------------------

void Session::on_chunk(std::uint64_t id, wire::Encoding encoding, std::span<const std::byte> bytes) {
    channel_.send({.type = wire::Type::chunk, .encoding = encoding, .id = id}, {}, {}, bytes);
    check_output();
}

void Session::on_progress(std::uint64_t id, double fraction, std::string_view note) {
    if (held_) return;  // a note is news: one that is late is none
    channel_.send({.type = wire::Type::progress, .id = id, .a = static_cast<std::uint32_t>(fraction * 1e6)}, note);
    check_output();
}

void Session::on_outcome(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome) {
    auto* const open = calls_.find(id);
    if (open == nullptr) return;  // the session has ended
    const bool batch = open->batch;
    items_ -= items.count;
    calls_.end(*open, items.count);
    if (batch && outcome.kind == wire::OutcomeKind::ok && outcome.memory == nullptr && outcome.attempts == 1)
        add_to_run(id, items, outcome);
    else if (outcome.records)
        send_one_by_one(id, items, outcome);
    else
        send_outcome(id, items, outcome);
    check_output();
    leave_if_idle();
}

void Session::send_outcome(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome) {
    wire::Header header{.type = wire::Type::outcome,
                        .encoding = outcome.encoding,
                        .attempt = outcome.attempts,
                        .id = id,
                        .a = static_cast<std::uint32_t>(outcome.kind),
                        .time_ns = items == dispatch::ItemRange{} ? 0 : items.packed()};
    if (outcome.memory == nullptr) return channel_.send(header, outcome.json, {}, outcome.body);
    if (channel_.send_memory(header, {}, {}, *outcome.memory, outcome.memory_bytes)) return;
    header.a = static_cast<std::uint32_t>(wire::OutcomeKind::failed);
    const auto document = json{{"outcome", "failed"},
                               {"status", "unavailable"},
                               {"message", "its output was made, and no descriptor is left to hand it over"}};
    channel_.send(header, document.dump());
}

// Each has more to say than a run can.
void Session::send_one_by_one(std::uint64_t id, dispatch::ItemRange items, dispatch::Outcome outcome) {
    outcome.records = false;
    wire::RecordReader records{outcome.body};
    for (items.count = 1; const auto body = records.next(); ++items.first) {
        outcome.body = *body;
        send_outcome(id, items, outcome);
    }
}

// Results of small items are gathered: one frame for all of a turn.
void Session::add_to_run(std::uint64_t id, dispatch::ItemRange items, const dispatch::Outcome& outcome) {
    const bool fits = run_.count > 0 && run_.id == id && run_.first + run_.count == items.first &&
                      run_.encoding == outcome.encoding && run_.records.size() < wire::inline_body_bytes;
    if (!fits) {
        send_run();
        run_.id = id;
        run_.first = items.first;
        run_.encoding = outcome.encoding;
    }
    run_.count += items.count;
    if (outcome.records)
        run_.records.insert(run_.records.end(), outcome.body.begin(), outcome.body.end());
    else
        wire::append_record(run_.records, outcome.body);
    if (std::exchange(run_due_, true)) return;
    service_.loop.at_end_of_turn([this, alive = alive_] {
        if (!*alive) return;
        run_due_ = false;
        send_run();
    });
}

void Session::send_run() {
    if (run_.count == 0) return;
    channel_.send({.type = wire::Type::run, .encoding = run_.encoding, .id = run_.id, .a = run_.first}, {}, {},
                  run_.records);
    run_.count = 0;
    run_.records.clear();
}

// A client that asks and does not listen: it is not heard, nothing more is begun for it, and what streams to it waits
// in its worker. What has been begun still comes; if even that is too much, it is let go.
void Session::check_output() {
    const auto waiting = channel_.waiting_bytes();
    if (waiting > limits::session_output_bytes)
        return end("bound", "it does not take its answers (session_output_bytes)");
    const bool behind = waiting > limits::session_output_high_water_bytes ||
                        channel_.waiting_descriptors() > limits::session_output_descriptors;
    if (behind && !held_) hold(true);
}

void Session::hold(bool held) {
    held_ = held;
    service_.dispatcher.hold(*this, held);
    calls_.for_each([&](const OpenCall& open) {
        if (open.stream) service_.dispatcher.hold_stream(open.handle, held);
    });
    choose_reading();
}

void Session::on_drained() {
    if (held_) hold(false);
    leave_if_idle();
}

// It has gone while it was not listened to, so its end is still behind what it had said. What is to be kept is kept;
// the rest is given up now, or the queue that it waits for would first have to do it.
void Session::on_gone() {
    if (ended_) return;
    gone_ = true;
    abandon_calls();
    items_ = 0;
    leave_if_idle();
    if (leaving_) return;
    if (parked_ && (parked_->header.flags & wire::flag::keep) == 0) parked_.reset();
    choose_reading();
}

// ---- leaving for another process ------------------------------------------------------------------------------------

void Session::hand_over() {
    leaving_ = true;
    leave_if_idle();
}

// In a later turn: a channel or the scheduler is in the middle of its own.
void Session::leave_if_idle() {
    const auto idle = [this] {
        return leaving_ && !ended_ && calls_.empty() && requests_ == 0 && channel_.waiting_descriptors() == 0;
    };
    if (!idle()) return;
    service_.loop.post([this, alive = alive_, idle] {
        if (*alive && idle()) give();
    });
}

void Session::give() {
    send_run();
    ended_ = true;
    timer_.cancel();
    service_.dispatcher.forget(*this);
    Parcel parcel{.rest = channel_.release(), .greeted = greeted_};
    if (parked_) {
        auto& rest = parcel.rest;
        const auto header = std::as_bytes(std::span{&parked_->header, 1});
        rest.received.insert(rest.received.begin(), parked_->payload.begin(), parked_->payload.end());
        rest.received.insert(rest.received.begin(), header.begin(), header.end());
        if (parked_->memory) rest.received_descriptors.push_front(std::move(parked_->memory));
    }
    service_.on_leaving(*this, std::move(parcel));
}

// ---- end ------------------------------------------------------------------------------------------------------------

void Session::watch_idle() {
    const auto bound = service_.settings.idle_timeout;
    if (bound.count() == 0) return;
    timer_.arm_at(last_frame_ + bound, [this, bound] {
        const bool waits = !calls_.empty() || requests_ > 0;
        if (!waits && Clock::now() - last_frame_ >= bound)
            return end("timeout", "idle for longer than service.idle_timeout");
        if (waits) last_frame_ = Clock::now();  // a client that waits for an answer is not idle
        watch_idle();
    });
}

void Session::end(std::string_view reason, std::string_view message) {
    if (ended_) return;
    service_.log.info("client let go", {{"uid", peer_.uid}, {"pid", peer_.pid}, {"why", message}});
    send_run();
    channel_.send({.type = wire::Type::goodbye}, json{{"reason", reason}, {"message", message}}.dump());
    channel_.flush();
    leave();
}

void Session::leave() {
    if (std::exchange(ended_, true)) return;
    timer_.cancel();
    channel_.close();
    abandon_calls();
    service_.dispatcher.forget(*this);
    service_.on_end(*this);
}

// None of them is known any more when their outcomes come.
void Session::abandon_calls() {
    std::exchange(calls_, {}).for_each([&](const OpenCall& open) { service_.dispatcher.abandon(open.handle); });
}

}  // namespace caisson::control
