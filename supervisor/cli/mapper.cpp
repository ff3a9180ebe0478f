// SPDX-License-Identifier: Apache-2.0
#include "cli/mapper.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/document.hpp"
#include "cli/failure.hpp"
#include "cli/words.hpp"
#include "wire/codec.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;

// Events between two looks at the input: the service gets new calls while it still works on the others.
constexpr int events_per_turn = 256;
// Bytes of a line that an error shows.
constexpr std::size_t shown_bytes = 40;
// The longest that a result is held back so that many are written at once.
constexpr auto hold_back = 20ms;

bool readable(int descriptor) {
    pollfd entry{.fd = descriptor, .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) > 0;
}

}  // namespace

Mapper::Mapper(const Context& context, Client& client, LineSource& lines, const MapOptions& options)
    : context_(context),
      client_(client),
      lines_(lines),
      options_(options),
      output_(context.streams.out, interrupts_.descriptor()),
      progress_(context.streams.err, !output_.terminal()),
      window_(window_calls) {}

int Mapper::run() {
    while (!finished()) {
        submit_lines();
        const bool idle = take_events();
        write_ended();
        if (interrupts_.take()) on_interrupt();
        progress_.show(Advance{.done = results_ + failures_, .failed = failures_, .fraction = lines_.fraction()});
        const bool more_to_submit = begins_more() && has_room() && !waits_for_input_;
        if (idle && !more_to_submit && !finished()) wait();
    }
    return finish();
}

// After a failure that ends the map nothing new is begun; what stands before it is still waited for.
bool Mapper::begins_more() const {
    return !input_ended_ && !cancelling_ && !lost_ && (options_.keep_going || !failure_seen_);
}

bool Mapper::finished() const {
    if (stopped_ || left_ || reader_gone_ || output_.state() != Output::State::good) return true;
    return in_window() == 0 && (input_ended_ || cancelling_ || lost_);
}

bool Mapper::has_room() const { return in_window() < window_calls && (held_bytes_ < window_bytes || in_window() == 0); }

void Mapper::submit_lines() {
    waits_for_input_ = false;
    while (begins_more() && has_room()) {
        std::string_view line;
        switch (lines_.take(line)) {
            case LineSource::Took::line:
                if (!submit(line)) return;
                break;
            case LineSource::Took::too_long:
                refuse(line, cat("the line has more than ", grouped(wire::max_body_bytes), " bytes (max_body_bytes)"),
                       "max_body_bytes");
                break;
            case LineSource::Took::nothing:
                waits_for_input_ = !lines_.plain_file() && !readable(lines_.descriptor());
                if (waits_for_input_) return;
                lines_.read();
                break;
            case LineSource::Took::end:
                input_ended_ = true;
                break;
        }
    }
}

Mapper::Place& Mapper::push(std::string_view line) {
    Place& fresh = place(next_);
    fresh.line = ++next_;
    fresh.call = 0;
    fresh.ended = false;
    fresh.bytes = line.size();
    fresh.shown.assign(line.substr(0, shown_bytes + 1));
    held_bytes_ += fresh.bytes;
    return fresh;
}

bool Mapper::submit(std::string_view line) {
    const auto call = client_.submit({.target = options_.target,
                                      .body = wire::bytes_of(line),
                                      .encoding = BodyEncoding::bytes,
                                      .params = options_.params,
                                      .timeout = options_.timeout});
    if (call) {
        push(line).call = *call;
        return true;
    }
    if (call.error().kind == ClientError::Kind::too_large) {
        refuse(line, call.error().message, {});
        return true;
    }
    lost_ = call.error();
    return false;
}

// A line that is not even asked for takes its place in the order all the same.
void Mapper::refuse(std::string_view line, std::string message, std::string_view bound) {
    Place& refused = push(line.substr(0, shown_bytes + 1));
    Json document{{"outcome", "refused"}, {"message", message}};
    if (!bound.empty()) document["bound"] = bound;
    refused.result = {
        .outcome = Outcome::refused, .output = {}, .message = std::move(message), .json = document.dump()};
    refused.ended = true;
    failure_seen_ = true;
}

// True when there was nothing more to take.
bool Mapper::take_events() {
    for (int i = 0; i < events_per_turn; ++i) {
        auto event = client_.next(0ms);
        if (!event) {
            lost_ = event.error();
            return true;
        }
        if (!*event) return true;
        if (auto* done = std::get_if<Done>(&**event)) on_done(*done);
    }
    return false;
}

// Numbers of calls grow along the window; nearly always they grow by one.
Mapper::Place* Mapper::find(std::uint64_t call) {
    const auto guess = head_ + (call - place(head_).call);
    if (place(head_).call != 0 && guess < next_ && place(guess).call == call) return &place(guess);
    for (auto at = head_; at < next_; ++at)
        if (place(at).call == call) return &place(at);
    return nullptr;
}

void Mapper::on_done(Done& done) {
    Place* ended = find(done.call);
    if (ended == nullptr) return;
    held_bytes_ += done.result.output.size();
    held_bytes_ -= ended->bytes;
    ended->bytes = done.result.output.size();
    ended->result = std::move(done.result);
    ended->ended = true;
    if (ended->result.outcome != Outcome::ok) failure_seen_ = true;
    if (options_.unordered && !stopped_) settle(*ended);
    write_ended();
}

// Writes the results whose turn it is.
void Mapper::write_ended() {
    while (head_ < next_ && !stopped_) {
        Place& oldest = place(head_);
        if (!oldest.ended) return;
        settle(oldest);
        ++head_;
    }
}

// Writes or reports one result, once.
void Mapper::settle(Place& ended) {
    if (ended.call == 0 && ended.result.json.empty()) return;  // settled before its turn (--unordered)
    if (dropped_ > 0 || (cancelling_ && ended.result.outcome != Outcome::ok)) {
        ++dropped_;
    } else if (ended.result.outcome == Outcome::ok) {
        write_result(ended);
    } else {
        on_failure(ended);
    }
    held_bytes_ -= ended.bytes;
    ended.bytes = 0;
    ended.call = 0;
    ended.result.json.clear();
    // A short text keeps its memory for the next line; a long one gives it back.
    if (ended.result.output.capacity() > 1024) ended.result.output = {};
}

void Mapper::write_result(const Place& ended) {
    ++results_;
    const auto& result = ended.result;
    if (context_.json)
        output_.append(ok_document(result.output, result.encoding == BodyEncoding::json, ended.line));
    else
        output_.append(result.output);
    if (context_.json || !result.output.ends_with('\n')) output_.append("\n");
}

void Mapper::on_failure(const Place& ended) {
    ++failures_;
    first_failure_ = first_failure_.value_or(exit_code(ended.result.outcome));
    if (!options_.keep_going) stopped_ = true;
    auto document = parse_document(ended.result.json);
    if (context_.json) {
        if (!document.is_object()) document = Json{{"outcome", word(ended.result.outcome)}};
        document["line"] = ended.line;
        output_.append(cat(document.dump(-1, ' ', false, Json::error_handler_t::replace), '\n'));
        return;
    }
    // What was written before it stands before it, also where both streams are one terminal.
    output_.flush();
    progress_.clear();
    const auto shown = printable(cut(ended.shown, shown_bytes));
    say(context_.streams.err,
        failure_text(document, options_.target, cat("caisson: line ", ended.line, " (\"", shown, "\"): ")));
}

void Mapper::on_interrupt() {
    left_ = cancelling_;
    if (cancelling_) return;
    cancelling_ = true;
    std::uint64_t out = 0;
    for (auto at = head_; at < next_; ++at) {
        if (place(at).ended) continue;
        client_.cancel(place(at).call);
        ++out;
    }
    progress_.clear();
    complain(context_, cat("cancelling ", counted(out, "call"), "; Ctrl-C again leaves without waiting"));
}

// How long the output may still be held back; -1: nothing is.
int Mapper::wait_ms() {
    if (!output_.pending()) {
        flush_at_ = {};
        return progress_.active() ? 100 : -1;
    }
    const auto now = Clock::now();
    if (flush_at_ == TimePoint{}) flush_at_ = now + hold_back;
    if (output_.terminal() || in_window() == 0 || now >= flush_at_) {
        output_.flush();
        flush_at_ = {};
        return output_.pending() ? 0 : progress_.active() ? 100 : -1;
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(flush_at_ - now).count());
}

void Mapper::wait() {
    const int limit_ms = wait_ms();
    if (output_.state() != Output::State::good) return;
    const bool room_for_input = waits_for_input_ && has_room();
    const short service = client_.unsent() > 0 ? POLLIN | POLLOUT : POLLIN;
    std::array<pollfd, 4> entries{
        {{.fd = lost_ ? -1 : client_.descriptor(), .events = service, .revents = 0},
         {.fd = interrupts_.descriptor(), .events = POLLIN, .revents = 0},
         {.fd = room_for_input ? lines_.descriptor() : -1, .events = POLLIN, .revents = 0},
         // Asked for nothing, it still tells that the reader has gone, however slowly the input comes.
         {.fd = output_.descriptor(), .events = 0, .revents = 0}}};
    if (::poll(entries.data(), entries.size(), limit_ms) <= 0) return;
    if ((entries[3].revents & (POLLERR | POLLHUP)) != 0) reader_gone_ = true;
}

int Mapper::finish() {
    while (output_.pending() && output_.state() == Output::State::good && !reader_gone_ && !left_) {
        output_.flush();
        if (output_.pending() && interrupts_.take()) left_ = true;
    }
    progress_.clear();
    // What is still out is of no use to anybody.
    for (auto at = head_; at < next_; ++at)
        if (!place(at).ended) client_.cancel(place(at).call);
    (void)client_.flush();
    if (output_.state() == Output::State::broken) {
        complain(context_, cat("cannot write the output: ", output_.error()));
        return exit_io;
    }
    if (cancelling_ || left_) return say_interrupted();
    if (reader_gone_ || output_.state() == Output::State::gone) return exit_ok;
    say_summary();
    if (first_failure_) return *first_failure_;
    if (lost_) return exit_code(lost_->kind);
    return lines_.error().empty() ? exit_ok : exit_io;
}

int Mapper::say_interrupted() {
    const auto rest = next_ - results_ - failures_;
    complain(context_, cat("interrupted: ", counted(results_, "result"), " written, ", counted(rest, "call"),
                           left_ ? " left without waiting" : " cancelled or dropped"));
    return exit_cancelled;
}

void Mapper::say_summary() {
    if (!lines_.error().empty()) complain(context_, cat("cannot read the input: ", lines_.error()));
    if (lost_) complain(context_, printable(lost_->message));
    if (stopped_) {
        const auto begun = next_ - results_ - failures_;
        complain(context_, cat("stopped: ", counted(results_, "result"), " written",
                               begun == 0 ? "" : cat(", ", counted(begun, "later call"), " given up"),
                               "; --keep-going passes over lines that fail"));
    } else if (failures_ > 0 || lost_) {
        complain(context_, cat(counted(results_ + failures_, "line"), ": ", grouped(results_), " ok, ",
                               grouped(failures_), " failed"));
    }
}

}  // namespace caisson::cli
