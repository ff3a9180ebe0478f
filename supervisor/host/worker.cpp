// SPDX-License-Identifier: Apache-2.0
#include "host/worker.hpp"

#include <pthread.h>
#include <stdio_ext.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "host/black_box_map.hpp"
#include "host/claim.hpp"
#include "host/confine.hpp"
#include "host/crash_handler.hpp"
#include "host/descriptors.hpp"
#include "host/host_functions.hpp"
#include "host/items.hpp"
#include "host/mapping.hpp"
#include "host/zygote.hpp"
#include "wire/records.hpp"

namespace caisson::host {

using wire::SetupStep;
using wire::Type;

namespace {

/// Between two beats; more often than the supervisor looks, so that each look can find a new one.
constexpr std::uint64_t beats_per_heartbeat = 8;

void close_socket() { ::close(socket_descriptor); }

}  // namespace

Worker::Worker(wire::BlackBox& box, int socket, pid_t keeper)
    : box_(box),
      keeper_(keeper),
      outlet_(box, socket),
      inlet_(socket, [this] { current_.flush(); }),
      current_(box, outlet_),
      heart_(box.beat_ns) {}

Worker::Worker(wire::BlackBox& box, int socket, pid_t keeper, Setup setup, Plugin plugin)
    : Worker(box, socket, keeper) {
    setup_ = std::move(setup);
    setup_.zygote = false;
    plugin_.emplace(std::move(plugin));
}

ExitCode Worker::run() {
    publish(SetupStep::handshake);
    if (auto done = install_crash_handler(box_, outlet_); !done) return refuse("handshake", done.error());
    const wire::Frame first = inlet_.next();
    if (first.header.type != Type::setup) end_at_once(ExitCode::protocol_error, "the first frame was no setup");
    const bool copy = plugin_.has_value();
    if (!copy) {
        auto setup = parse_setup(first.head());
        if (!setup) return refuse("handshake", setup.error());
        setup_ = std::move(*setup);
    }

    if (setup_.image) name_library(library_descriptor, setup_.plugin);
    if (const auto refused = start()) return *refused;
    publish(SetupStep::done);
    box_.activity.store(static_cast<std::uint32_t>(wire::Activity::idle), std::memory_order_release);
    current_.announce({.type = Type::ready}, copy ? std::string{} : ready_document(plugin_->offer()));
    return setup_.zygote ? breed() : serve();
}

// The copy is a worker like any other from here on. What the zygote had of its own stays behind, unused.
ExitCode Worker::breed() {
    current_.flush();
    return serve_copies(inlet_, [this] {
        const auto box = map_black_box(black_box_descriptor);
        if (!box) end_at_once(ExitCode::setup_failed, box.error().text());
        ::close(black_box_descriptor);
        auto* const copy = new Worker{**box, socket_descriptor, keeper_, std::move(setup_), std::move(*plugin_)};
        return copy->run();
    });
}

std::optional<ExitCode> Worker::start() {
    publish(SetupStep::confine);
    if (auto done = confine(setup_, keeper_); !done) return refuse("confine", done.error());
    if (const auto refused = plugin_ ? std::nullopt : load()) return refused;
    if (setup_.zygote) return std::nullopt;

    publish(SetupStep::create);
    host_ = make_host(current_, setup_.settings);
    if (auto done = plugin_->create(host_); !done) return refuse("create", done.error());
    std::fflush(stdout);
    return std::nullopt;
}

std::optional<ExitCode> Worker::load() {
    // A process that the plugin forks must not keep the socket open after the worker's death.
    if (::pthread_atfork(nullptr, nullptr, close_socket) != 0)
        return refuse("confine", fail("pthread_atfork: out of memory").error());

    publish(SetupStep::load);
    auto plugin = Plugin::load(setup_.plugin, setup_.image ? library_descriptor : -1);
    if (!plugin) return refuse("load", plugin.error());
    plugin_.emplace(std::move(*plugin));
    if (auto able = setup_.zygote ? can_be_copied() : Result<void>{}; !able) return refuse("zygote", able.error());
    return std::nullopt;
}

ExitCode Worker::refuse(std::string_view step, const Error& error) {
    const nlohmann::json document = {{"step", step}, {"message", error.text()}};
    current_.announce({.type = Type::failed}, document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    std::fflush(stdout);
    current_.flush();
    return ExitCode::setup_failed;
}

ExitCode Worker::serve() {
    if (setup_.heartbeat_ms > 0) heart_.start(std::chrono::milliseconds{setup_.heartbeat_ms / beats_per_heartbeat});
    for (;;) {
        const wire::Frame frame = inlet_.next();
        switch (frame.header.type) {
            case Type::call:
                heart_.begin();
                on_call(frame);
                heart_.end();
                break;
            case Type::batch:
                heart_.begin();
                on_batch(frame);
                heart_.end();
                break;
            case Type::reopen:
                reopen_claims(box_.claim, frame.header.a);
                break;
            case Type::cancel:
                break;  // the black box says it sooner
            case Type::stop:
                box_.activity.store(static_cast<std::uint32_t>(wire::Activity::stopping), std::memory_order_release);
                current_.flush();
                plugin_->destroy();
                return ExitCode::stopped;
            default:
                end_at_once(ExitCode::protocol_error,
                            cat("the supervisor sent a frame of type ", static_cast<int>(frame.header.type)));
        }
    }
}

void Worker::check_order(std::uint64_t first_id, std::uint64_t count) {
    if (first_id <= last_id_ || first_id + count - 1 > wire::Claim::sequence_mask)
        end_at_once(ExitCode::protocol_error, cat("call ", first_id, " came after call ", last_id_));
    last_id_ = first_id + count - 1;
}

void Worker::on_call(const wire::Frame& frame) {
    const wire::Header& header = frame.header;
    check_order(header.id, 1);
    Incoming incoming{.id = header.id,
                      .method = header.a,
                      .params = frame.head_bytes(),
                      .body = frame.body(),
                      .encoding = header.encoding,
                      .deadline_ns = header.time_ns,
                      .attempt = header.attempt,
                      .stream = frame.has(wire::flag::stream),
                      .copied = frame.has(wire::flag::copied)};
    if (frame.has(wire::flag::boxed)) {
        if (frame.memory_bytes() > wire::boxed_bytes)
            end_at_once(ExitCode::protocol_error, "a body is larger than its place in the black box");
        incoming.body = {box_.input, static_cast<std::size_t>(frame.memory_bytes())};
    }
    // Taken whether the call is still ours or not: the next one belongs to the next frame.
    Fd memory = frame.has(wire::flag::detached) ? inlet_.take_descriptor() : Fd{};
    if (!claim_call(box_.claim, header.id)) return;
    if (!frame.has(wire::flag::detached)) return serve_one(incoming);

    const Mapping mapping{std::move(memory), frame.memory_bytes()};
    if (!mapping.error().empty()) return current_.answer_unstarted(header.id, CAISSON_UNAVAILABLE, mapping.error());
    incoming.body = mapping.bytes();
    serve_one(incoming);
}

// Each item is claimed for itself: what has not been started can be taken back at any moment.
void Worker::on_batch(const wire::Frame& frame) {
    const wire::Header& header = frame.header;
    Incoming incoming{.id = header.id,
                      .method = header.a,
                      .params = frame.head_bytes(),
                      .body = {},
                      .encoding = header.encoding,
                      .deadline_ns = header.time_ns,
                      .attempt = header.attempt,
                      .in_batch = true};
    wire::RecordReader count{frame.body()};
    std::uint64_t items = 0;
    while (count.next()) ++items;
    if (items == 0 || !count.at_end()) end_at_once(ExitCode::protocol_error, "a batch is no sequence of records");
    check_order(header.id, items);
    wire::RecordReader records{frame.body()};
    if (plugin_->serves_items(incoming.method) && !serve_items(incoming, records)) return current_.end_batch();
    for (; const auto body = records.next(); ++incoming.id) {
        if (!claim_call(box_.claim, incoming.id)) break;
        incoming.body = *body;
        serve_one(incoming);
    }
    current_.end_batch();
}

// False if what is left has been taken back. A plugin that returns early gets what is left one by one.
bool Worker::serve_items(Incoming& incoming, wire::RecordReader& records) {
    while (!records.at_end()) {
        Items items{box_, current_, incoming, records};
        const auto broke = plugin_->call_items(items.table());
        items.settle(broke);
        if (items.taken_back()) return false;
        if (items.next_id() == incoming.id) break;
        incoming.id = items.next_id();
    }
    return true;
}

// It has been claimed.
void Worker::serve_one(const Incoming& incoming) {
    const std::int64_t now_ns = to_ns(Clock::now());
    if (incoming.deadline_ns != 0 && now_ns >= incoming.deadline_ns) {
        return current_.answer_unstarted(incoming.id, CAISSON_CANCELLED, "deadline passed before start");
    }
    if (box_.cancel_sequence.load(std::memory_order_acquire) == incoming.id) {
        return current_.answer_unstarted(incoming.id, CAISSON_CANCELLED, "cancelled before start");
    }
    if (incoming.method >= plugin_->offer().methods.size()) {
        return current_.answer_unstarted(incoming.id, CAISSON_NOT_FOUND, "the plugin has no such method");
    }
    const caisson_call& call = current_.begin(incoming, now_ns);
    const Returned returned = plugin_->call(call);
    // While the call still counts as running: its lines belong to it.
    if (__fpending(stdout) > 0) std::fflush(stdout);
    current_.finish(returned, to_ns(Clock::now()));
}

void Worker::publish(SetupStep step) { box_.step.store(static_cast<std::uint32_t>(step), std::memory_order_release); }

}  // namespace caisson::host
