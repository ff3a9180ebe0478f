// SPDX-License-Identifier: Apache-2.0
#include "client/session.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "client/document.hpp"
#include "client/sealed.hpp"
#include "wire/outcome.hpp"
#include "wire/records.hpp"

namespace caisson::client {
namespace {

using wire::Frame;
using wire::Type;

CallResult result_of(const Frame& frame, Outcome outcome) {
    CallResult result;
    result.outcome = outcome;
    result.encoding = static_cast<BodyEncoding>(frame.header.encoding);
    result.attempts = frame.header.attempt;
    if (outcome != Outcome::ok) {
        result.json = frame.head();
        result.message = text_field(frame.head(), "message");
    }
    return result;
}

// Lets the views of an event point into `bytes`, where what they showed stands one after the other.
void point_into(Event& event, std::string_view bytes) {
    if (auto* piece = std::get_if<Piece>(&event)) piece->bytes = bytes;
    auto* items = std::get_if<Items>(&event);
    if (items == nullptr) return;
    for (auto& output : items->outputs) {
        output = bytes.substr(0, output.size());
        bytes.remove_prefix(output.size());
    }
}

std::string bytes_behind(const Event& event) {
    std::string bytes;
    if (const auto* piece = std::get_if<Piece>(&event)) bytes = piece->bytes;
    if (const auto* items = std::get_if<Items>(&event))
        for (const auto output : items->outputs) bytes += output;
    return bytes;
}

}  // namespace

void Session::keep(Event event) {
    auto bytes = bytes_behind(event);
    waiting_.push_back({std::move(event), std::move(bytes)});
}

// Every call that is out gets its Done, in the order of submission.
void Session::lose(Kind kind, std::string why) {
    if (error_) return;
    error_ = ClientError{kind, std::move(why)};
    for (const auto& call : calls_.drain())
        for (const auto items : call.open_ranges()) keep(lost_call(call.id, items, error_->message));
}

void Session::violated(std::string_view what) {
    lose(Kind::protocol, "the service broke the protocol: " + std::string{what});
}

std::optional<Event> Session::on_chunk(const Frame& frame) {
    const OpenCall* call = calls_.find(frame.header.id);
    if (call == nullptr || !call->stream) return violated("output for a call that does not stream"), std::nullopt;
    return Piece{call->id, Frame::text(frame.body())};
}

std::optional<Event> Session::on_progress(const Frame& frame) {
    if (calls_.find(frame.header.id) == nullptr) return std::nullopt;
    return Progress{frame.header.id, std::min(frame.header.a, 1'000'000U) / 1e6, std::string{frame.head()}};
}

// The output in a memfd. Its sender may be a liar: a file that could still shrink would kill us when it is read.
bool Session::take_memory(const Frame& frame, CallResult& result) {
    Descriptor memory = link_.take_descriptor();
    if (!memory) return violated("an output in a memfd, and no memfd"), false;
    const auto bytes = frame.memory_bytes();
    if (sealed_size(memory.get()) != bytes)
        return violated("an output in a memfd that is not sealed, or has another size"), false;
    result.memory = Memory::map(memory.release(), bytes);
    if (!result.memory) result = unmapped(frame.header.id, bytes, errno);
    return true;
}

std::optional<Event> Session::on_outcome(const Frame& frame) {
    OpenCall* call = calls_.find(frame.header.id);
    const auto kind = wire::outcome_from(frame.header.a);
    if (call == nullptr || !kind) return violated("an outcome for no call, or of no kind"), std::nullopt;
    const auto items = ItemRange::from(frame.header.time_ns);
    Done done{call->id, result_of(frame, static_cast<Outcome>(*kind)), items.first, items.count};
    const bool detached = frame.has(wire::flag::detached);
    if (detached && !take_memory(frame, done.result)) return std::nullopt;
    const bool stream = call->stream;
    if (!calls_.end(*call, items))
        return violated("an outcome for items that there are not, or that had one"), std::nullopt;
    if (detached) return done;
    const auto body = Frame::text(frame.body());
    if (stream && !body.empty()) {
        after_piece_ = std::move(done);
        return Piece{frame.header.id, body};
    }
    done.result.output = body;
    return done;
}

std::optional<Event> Session::on_run(const Frame& frame) {
    OpenCall* call = calls_.find(frame.header.id);
    if (call == nullptr || !call->batch) return violated("results for a batch that is not under way"), std::nullopt;
    Items items{.call = call->id,
                .first = frame.header.a,
                .encoding = static_cast<BodyEncoding>(frame.header.encoding),
                .outputs = {}};
    wire::RecordReader records{frame.body()};
    while (const auto record = records.next()) items.outputs.push_back(Frame::text(*record));
    if (!records.at_end()) return violated("results of a batch that are no records"), std::nullopt;
    if (!calls_.end(*call, {.first = items.first, .count = static_cast<std::uint32_t>(items.outputs.size())}))
        return violated("results for items that there are not, or that had one"), std::nullopt;
    return items;
}

void Session::await_reply(std::uint64_t request) {
    awaited_reply_ = request;
    answer_.reset();
}

void Session::on_reply(const Frame& frame) {
    if (frame.header.id != awaited_reply_) return;  // nobody waits for it any longer
    awaited_reply_ = 0;
    answer_ = Client::Answer{.ok = frame.header.a == 0, .json = std::string{frame.head()}};
}

std::optional<Event> Session::take(const Frame& frame) {
    if (frame.has(wire::flag::detached) && frame.header.type != Type::outcome)
        return violated("a memfd where there can be none"), std::nullopt;
    switch (frame.header.type) {
        case Type::chunk:
            return on_chunk(frame);
        case Type::progress:
            return on_progress(frame);
        case Type::outcome:
            return on_outcome(frame);
        case Type::run:
            return on_run(frame);
        case Type::reply:
            on_reply(frame);
            return std::nullopt;
        case Type::goodbye:
            lose(Kind::lost, "the service ended the session: " + goodbye_text(frame.head()));
            return std::nullopt;
        default:
            violated("a frame that is not for clients");
            return std::nullopt;
    }
}

std::optional<Event> Session::at_hand() {
    if (waiting_.empty()) return arrived();
    auto first = std::move(waiting_.front());
    waiting_.pop_front();
    handed_out_ = std::move(first.bytes);
    point_into(first.event, handed_out_);
    return std::move(first.event);
}

std::optional<Event> Session::arrived() {
    if (after_piece_) return *std::exchange(after_piece_, std::nullopt);
    if (link_.flooded()) violated("more descriptors than can be taken");
    while (!error_) {
        const auto frame = link_.next_frame();
        if (!frame) break;
        if (auto event = take(*frame)) return event;
    }
    if (const auto broken = link_.broken(); broken && !error_) violated(wire::word(*broken));
    return std::nullopt;
}

bool Session::more(Deadline deadline) {
    for (;;) {
        link_.flush();
        switch (link_.receive()) {
            case Link::Received::some:
                return true;
            case Link::Received::end:
                lose(Kind::lost, "the session was lost: " + link_.why_ended());
                return true;
            case Link::Received::nothing:
                break;
        }
        if (!link_.wait(deadline)) return false;
    }
}

std::optional<CallResult> Session::take_done(std::uint64_t call) {
    const auto found = std::ranges::find_if(waiting_, [&](const Waiting& entry) {
        const auto* done = std::get_if<Done>(&entry.event);
        return done != nullptr && done->call == call;
    });
    if (found == waiting_.end()) return std::nullopt;
    auto result = std::move(std::get<Done>(found->event).result);
    waiting_.erase(found);
    return result;
}

std::size_t Session::outstanding() const {
    std::size_t items = calls_.outstanding() + (after_piece_ ? after_piece_->count : 0);
    for (const auto& entry : waiting_) {
        if (const auto* done = std::get_if<Done>(&entry.event)) items += done->count;
        if (const auto* run = std::get_if<Items>(&entry.event)) items += run->outputs.size();
    }
    return items;
}

}  // namespace caisson::client
