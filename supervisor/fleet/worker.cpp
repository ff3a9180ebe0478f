// SPDX-License-Identifier: Apache-2.0
#include "fleet/worker.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "wire/outcome.hpp"
#include "wire/records.hpp"

namespace caisson::fleet {
namespace {

/// How much one new measurement moves the average of the service time. An eighth follows a change within a few calls
/// and is not thrown by one outlier; the same weight as TCP's smoothed round trip (RFC 6298).
constexpr double service_weight = 0.125;

/// The longest time that a worker is believed to have run a call: a week. A whole batch of them does not overflow.
constexpr std::int64_t longest_run_ns = 7 * 24 * std::int64_t{3'600'000'000'000};

}  // namespace

Worker::Worker(Surroundings surroundings, Owner& owner, const settings::Pool& pool, std::uint32_t id, Birth birth)
    : around_(surroundings),
      owner_(owner),
      pool_(pool),
      id_(id),
      birth_(std::move(birth)),
      timer_(surroundings.loop.timer()) {}

Worker::~Worker() { *alive_ = false; }

std::string Worker::name() const { return birth_.zygote ? cat(pool_.name, "/zygote") : cat(pool_.name, "/", id_); }

// ---- calls ----------------------------------------------------------------------------------------------------------

std::uint32_t Worker::room() const {
    if (state_ != WorkerState::serving || paused_ || !channel_ || channel_->closed()) return 0;
    if (channel_->waiting_bytes() > limits::worker_output_bytes) return 0;
    // Behind a call that turns out slow nothing is put, whatever the average says.
    if (!held_.empty() && Clock::now() - last_heard_ >= limits::silence_before_look) return 0;
    // Until a call has been measured the worker gets one at a time: the first may be a slow one.
    std::uint32_t credit = 0;
    if (service_ns_ >= 0) {
        const double work_ns = std::chrono::duration<double, std::nano>(limits::credit_work).count();
        credit = static_cast<std::uint32_t>(std::min<double>(limits::credit_max, work_ns / std::max(service_ns_, 1.0)));
    }
    const std::size_t allowed = 1 + std::size_t{credit};
    return held_items_ >= allowed ? 0 : static_cast<std::uint32_t>(allowed - held_items_);
}

Given Worker::start(CallToken call, const Work& work) {
    const auto* const method = info_ ? info_->find(work.method) : nullptr;
    if (method == nullptr) return Given::no_method;
    const auto items = std::max<std::uint32_t>(work.items, 1);
    wire::Header header{.type = work.items > 0 ? wire::Type::batch : wire::Type::call,
                        .encoding = work.encoding,
                        .flags = static_cast<std::uint8_t>((work.stream ? wire::flag::stream : 0) |
                                                           (work.copied ? wire::flag::copied : 0)),
                        .attempt = work.attempt,
                        .id = next_sequence_,
                        .a = *method,
                        .time_ns = work.deadline_ns};
    const bool boxed = work.memory == nullptr && work.items == 0 && work.body.size() > wire::inline_body_bytes &&
                       work.body.size() <= wire::boxed_bytes && !input_taken_;
    if (boxed)
        send_boxed(header, work);
    else if (work.memory == nullptr)
        channel_->send(header, work.params, {}, work.body);
    else if (!channel_->send_memory(header, work.params, {}, *work.memory, work.memory_bytes))
        return Given::no_descriptor;
    if (held_.empty()) last_heard_ = Clock::now();  // its silence begins now
    held_.push_back({next_sequence_, items, call, work.number, *method, boxed});
    next_sequence_ += items;
    held_items_ += items;
    return Given::taken;
}

void Worker::send_boxed(wire::Header header, const Work& work) {
    input_taken_ = true;
    std::memcpy(box_->input().data(), work.body.data(), work.body.size());
    header.flags |= wire::flag::boxed;
    const std::uint64_t bytes = work.body.size();
    channel_->send(header, work.params, {}, std::as_bytes(std::span{&bytes, 1}));
}

const Worker::Held* Worker::find(CallToken call) const {
    const auto found = std::ranges::find(held_, call, &Held::call);
    return found == held_.end() ? nullptr : &*found;
}

bool Worker::running(CallToken call) const {
    const auto* const held = box_ ? find(call) : nullptr;
    return held != nullptr && held->sequence <= box_->claim().sequence;
}

std::optional<TimePoint> Worker::running_since() const {
    if (held_.empty() || !box_ || box_->running() == 0) return std::nullopt;
    return std::min(box_->started(), Clock::now());
}

void Worker::cancel(CallToken call) {
    const auto* const held = box_ ? find(call) : nullptr;
    if (held == nullptr) return;
    // The item that runs: answers of those before it may still be on their way. If something behind them runs already,
    // they need no cancel, and that may have one of its own.
    const auto started = box_->claim().sequence;
    if (started < held->sequence + held->items) box_->cancel(std::max(started, held->sequence));
}

void Worker::listen(bool to_it) {
    if (!channel_) return;
    if (to_it)
        channel_->resume_reading();
    else
        channel_->pause_reading();
}

std::string_view Worker::running_method() const {
    if (held_.empty() || !info_) return {};
    return info_->methods[held_.front().method].name;
}

std::vector<Part> Worker::take_back() {
    std::vector<Part> back;
    if (held_.empty() || !box_ || !channel_) return back;
    const auto claim = box_->close_claim();
    while (!held_.empty()) {
        auto& last = held_.back();
        const auto end = last.sequence + last.items;  // one past its last item
        if (end <= claim.sequence + 1) break;
        const auto items = static_cast<std::uint32_t>(std::min<std::uint64_t>(last.items, end - 1 - claim.sequence));
        back.push_back({last.call, items});
        held_items_ -= items;
        last.items -= items;
        if (last.items > 0) break;
        input_taken_ &= !last.boxed;
        held_.pop_back();
    }
    std::ranges::reverse(back);
    limit_farewell();
    channel_->send({.type = wire::Type::reopen, .a = claim.generation});
    owner_.on_worker_room(*this);
    return back;
}

void Worker::look() {
    if (!box_ || !channel_ || channel_->closed() || channel_->paused()) return;
    // First what has arrived: a memfd comes only by the socket, and before the result that speaks of it is published.
    channel_->read_all();
    if (channel_->closed() || channel_->paused()) return;
    channel_->take_ahead(box_->output_after(channel_->stream_offset()));
    take_open_run();
}

// Only when everything before it has been taken: results come in their order.
void Worker::take_open_run() {
    const auto run = lied_ ? std::nullopt : box_->open_run(channel_->stream_offset());
    if (!run) return;
    on_run(run->header, run->records);
    taken_ahead_ = held_.empty() ? next_sequence_ : held_.front().sequence;
}

void Worker::on_frame(const wire::Frame& frame) {
    const auto& header = frame.header;
    switch (header.type) {
        case wire::Type::ready:
            if (info_) return kill(Exit::Kind::protocol_error, "it said twice that it is ready");
            return on_ready(frame);
        case wire::Type::failed:
            return on_setup_failed(frame);
        case wire::Type::result:
            return on_result(frame);
        case wire::Type::run:
            return on_run(frame.header, frame.body());
        case wire::Type::memory:
            return;  // its descriptor waits for the result that speaks of it
        case wire::Type::chunk:
            if (const auto* held = front_if(header.id, "output"))
                owner_.on_worker_chunk(*this, held->call, header.encoding, frame.body());
            return;
        case wire::Type::progress:
            if (const auto* held = front_if(header.id, "progress"))
                owner_.on_worker_progress(*this, held->call, std::min<double>(header.a, 1e6) / 1e6,
                                          frame.head().substr(0, limits::worker_text_bytes));
            return;
        default:
            return kill(Exit::Kind::protocol_error,
                        cat("sent a frame of type ", static_cast<unsigned>(header.type), ", which no worker sends"));
    }
}

// The held call that this frame speaks of: only the front can be running.
const Worker::Held* Worker::front_if(std::uint64_t sequence, std::string_view what) {
    if (lied_) return nullptr;  // nothing it says counts any more
    if (!held_.empty() && held_.front().sequence == sequence) return &held_.front();
    kill(Exit::Kind::protocol_error, cat("sent ", what, " for a call that it does not run (", sequence, ")"));
    return nullptr;
}

void Worker::on_result(const wire::Frame& frame) {
    const auto& header = frame.header;
    const auto* const held = front_if(header.id, "a result");
    if (held == nullptr) return;
    if (header.a >= wire::status_words.size())
        return kill(Exit::Kind::protocol_error, "sent a result with an unknown status");
    Answer answer{.status = header.a,
                  .started = header.time_ns >= 0,
                  .error = frame.head().substr(0, limits::worker_text_bytes),
                  .encoding = header.encoding,
                  .body = frame.body()};
    Fd memory;
    if (frame.has(wire::flag::detached)) {
        memory = channel_->take_descriptor();
        if (const auto sealed = sys::check_sealed(memory, frame.memory_bytes()); !sealed)
            return kill(Exit::Kind::protocol_error, cat("sent a result in ", sealed.error().what));
        answer.body = {};
        answer.memory = &memory;
        answer.memory_bytes = frame.memory_bytes();
    }
    const bool boxed = frame.has(wire::flag::boxed);
    if (boxed) {
        if (frame.memory_bytes() > wire::boxed_bytes)
            return kill(Exit::Kind::protocol_error, "sent a result that is larger than its place in the black box");
        answer.body = box_->output().first(static_cast<std::size_t>(frame.memory_bytes()));
    }
    const auto call = held->call;
    drop_front_items(1);
    last_heard_ = Clock::now();  // only answers count: a call that streams without end is as slow as a silent one
    answer.at = last_heard_;
    answer.run_ns = std::clamp<std::int64_t>(header.time_ns, 0, longest_run_ns);
    note_service(header.time_ns, 1);
    owner_.on_worker_answer(*this, call, answer);
    if (boxed) box_->note_output_taken();
}

// Items of one batch that are ok. Those that were taken from the open run are known.
void Worker::on_run(const wire::Header& header, std::span<const std::byte> records) {
    if (lied_) return;
    auto sequence = header.id;
    wire::RecordReader reader{records};
    while (sequence < taken_ahead_ && reader.next()) ++sequence;
    const auto news = reader.rest();
    std::uint32_t items = 0;
    while (reader.next()) ++items;
    if (!reader.at_end())
        return kill(Exit::Kind::protocol_error, "sent a run of results that is no sequence of records");
    if (items == 0) return;
    const auto* const held = front_if(sequence, "results");
    if (held == nullptr) return;
    if (items > held->items) return kill(Exit::Kind::protocol_error, "sent more results than the batch has items");
    const auto call = held->call;
    drop_front_items(items);
    last_heard_ = Clock::now();
    if (header.time_ns > 0) note_service(header.time_ns, items);
    owner_.on_worker_answer(*this, call,
                            {.items = items,
                             .records = true,
                             .error = {},
                             .encoding = header.encoding,
                             .body = news,
                             .at = last_heard_,
                             .run_ns = std::clamp<std::int64_t>(header.time_ns, 0, longest_run_ns)});
}

// As if each item had taken the mean.
void Worker::note_service(std::int64_t run_ns, std::uint32_t items) {
    const auto mean_ns = static_cast<double>(std::clamp<std::int64_t>(run_ns, 0, 3'600'000'000'000)) / items;
    const auto weight = items == 1 ? service_weight : 1 - std::pow(1 - service_weight, items);
    service_ns_ = service_ns_ < 0 ? mean_ns : service_ns_ + weight * (mean_ns - service_ns_);
}

void Worker::drop_front_items(std::uint32_t items) {
    auto& front = held_.front();
    front.sequence += items;
    held_items_ -= items;
    answered_ += items;
    front.items -= items;
    if (front.items > 0) return;
    input_taken_ &= !front.boxed;
    held_.pop_front();
    limit_farewell();
}

}  // namespace caisson::fleet
