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
#include "wire/records.hpp"

namespace caisson::cli {
namespace {

using namespace std::chrono_literals;
using State = Place::State;

// Events between two looks at the input: the service gets new calls while it still works on the others.
constexpr int events_per_turn = 256;
// Bytes of a line that an error shows.
constexpr std::size_t shown_bytes = 40;
// The longest that a result is held back so that many are written at once.
constexpr auto hold_back = 20ms;
// While calls end one by one, new lines leave as soon as this part of the look-ahead is free: together, and not too
// late.
constexpr std::size_t refill_part = 4;

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
      ahead_(options.workers, options.request.timeout, Clock::now()) {}

int Mapper::run() {
    while (!finished()) {
        if (wants_lines()) submit_lines();
        const bool idle = take_events();
        write_ended();
        if (interrupts_.take()) on_interrupt();
        show_progress();
        const bool more_to_submit = wants_lines() && !waits_for_input_;
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
    return window_.empty() && (input_ended_ || cancelling_ || lost_);
}

bool Mapper::has_room(std::size_t more) const {
    return window_.has_room(more) && (window_.out() == 0 || window_.out() + more <= ahead_.limit());
}

bool Mapper::wants_lines() const {
    const auto together = std::clamp<std::size_t>(ahead_.limit() / refill_part, 1, options_.chunk);
    return begins_more() && has_room(together);
}

void Mapper::submit_lines() {
    waits_for_input_ = false;
    while (begins_more() && has_room(1) && !waits_for_input_) {
        std::string_view line;
        switch (lines_.take(line)) {
            case LineSource::Took::line:
                add(line);
                break;
            case LineSource::Took::too_long:
                refuse(line);
                break;
            case LineSource::Took::nothing:
                waits_for_input_ = !lines_.plain_file() && !readable(lines_.descriptor());
                if (!waits_for_input_) lines_.read();
                break;
            case LineSource::Took::end:
                input_ended_ = true;
                break;
        }
    }
    send_batch();
}

void Mapper::add(std::string_view line) {
    const auto body = wire::bytes_of(line);
    if (batch_.size() >= options_.chunk || !batch_.add(body)) {
        send_batch();
        if (!batch_.add(body)) return send(line);
    }
    window_.push(line);
}

void Mapper::send_batch() {
    const auto lines = batch_.size();
    if (lines == 0) return;
    CallRequest one = options_.request;
    one.body = batch_.bytes().subspan(wire::record_head_bytes);
    submitted(lines == 1 ? client_.submit(one) : client_.submit(options_.request, batch_), lines);
    batch_.clear();
}

// A line that is too large for any batch.
void Mapper::send(std::string_view line) {
    CallRequest one = options_.request;
    one.body = wire::bytes_of(line);
    window_.push(line);
    submitted(client_.submit(one), 1);
}

void Mapper::submitted(const std::expected<std::uint64_t, ClientError>& call, std::uint32_t lines) {
    if (call) return window_.sent(*call, lines);
    window_.take_back(lines);
    lost_ = call.error();
}

// A line that is not even asked for takes its place in the order all the same.
void Mapper::refuse(std::string_view line) {
    send_batch();
    const auto message = cat("the line has more than ", grouped(wire::max_body_bytes), " bytes (max_body_bytes)");
    const Json document{{"outcome", "refused"}, {"message", message}, {"bound", "max_body_bytes"}};
    Place& refused = window_.push(line.substr(0, shown_bytes + 1));
    refused.result = {};
    refused.result.outcome = Outcome::refused;
    refused.result.message = message;
    refused.result.json = document.dump();
    end(refused);
}

// True when there was nothing more to take.
bool Mapper::take_events() {
    for (int i = 0; i < events_per_turn; ++i) {
        auto event = client_.next(0ms);
        if (!event) lost_ = event.error();
        if (!event || !*event) return true;
        on_event(**event);
    }
    return false;
}

void Mapper::on_event(Event& event) {
    const auto before = window_.out();
    if (const auto* items = std::get_if<Items>(&event)) on_items(*items);
    if (auto* done = std::get_if<Done>(&event)) on_done(*done);
    if (window_.out() == before) return;
    ahead_.ended(before - window_.out(), Clock::now());
    write_ended();
}

void Mapper::on_items(const Items& items) {
    for (std::uint32_t i = 0; i < items.outputs.size(); ++i) {
        Place* place = window_.find(items.call, items.first + i);
        if (place == nullptr) continue;
        place->result.outcome = Outcome::ok;
        place->result.output = items.outputs[i];
        place->result.encoding = items.encoding;
        end(*place);
    }
}

void Mapper::on_done(Done& done) {
    for (std::uint32_t i = 0; i < done.count; ++i) {
        Place* place = window_.find(done.call, done.first + i);
        if (place == nullptr) continue;
        place->result = i + 1 == done.count ? std::move(done.result) : done.result;
        end(*place);
    }
}

void Mapper::end(Place& place) {
    window_.ended(place);
    done_bytes_ += place.line_bytes + 1;
    if (place.result.outcome != Outcome::ok) failure_seen_ = true;
    if (options_.unordered && !stopped_) settle(place);
}

// Writes the results whose turn it is.
void Mapper::write_ended() {
    while (!window_.empty() && !stopped_) {
        Place& oldest = window_.head();
        if (oldest.state == State::out) return;
        if (oldest.state == State::ended) settle(oldest);
        window_.pop();
    }
}

// Writes or reports one result.
void Mapper::settle(Place& place) {
    if (dropped_ > 0 || (cancelling_ && place.result.outcome != Outcome::ok)) {
        ++dropped_;
    } else if (place.result.outcome == Outcome::ok) {
        write_result(place);
    } else {
        on_failure(place);
    }
    window_.settled(place);
}

void Mapper::write_result(const Place& place) {
    ++results_;
    const auto output = place.result.bytes();
    if (context_.json)
        output_.append(ok_document(output, place.result.encoding == BodyEncoding::json, place.line));
    else
        output_.append(output);
    if (context_.json || !output.ends_with('\n')) output_.append("\n");
}

void Mapper::on_failure(const Place& place) {
    ++failures_;
    first_failure_ = first_failure_.value_or(exit_code(place.result.outcome));
    if (!options_.keep_going) stopped_ = true;
    auto document = parse_document(place.result.json);
    if (context_.json) {
        if (!document.is_object()) document = Json{{"outcome", word(place.result.outcome)}};
        document["line"] = place.line;
        output_.append(cat(document.dump(-1, ' ', false, Json::error_handler_t::replace), '\n'));
        return;
    }
    // What was written before it stands before it, also where both streams are one terminal.
    output_.flush();
    progress_.clear();
    const auto shown = printable(cut(place.shown, shown_bytes));
    say(context_.streams.err,
        failure_text(document, options_.request.target, cat("caisson: line ", place.line, " (\"", shown, "\"): ")));
}

void Mapper::show_progress() {
    const double whole = static_cast<double>(lines_.file_bytes());
    const double fraction = whole > 0 ? static_cast<double>(done_bytes_) / whole : -1;
    progress_.show(Advance{.done = results_ + failures_, .failed = failures_, .fraction = fraction});
}

void Mapper::on_interrupt() {
    left_ = cancelling_;
    if (cancelling_) return;
    cancelling_ = true;
    for (const auto call : window_.calls_out()) client_.cancel(call);
    progress_.clear();
    complain(context_, cat("cancelling ", counted(window_.out(), "call"), "; Ctrl-C again leaves without waiting"));
}

// How long the output may still be held back; -1: nothing is.
int Mapper::wait_ms() {
    if (!output_.pending()) {
        flush_at_ = {};
        return progress_.active() ? 100 : -1;
    }
    const auto now = Clock::now();
    if (flush_at_ == TimePoint{}) flush_at_ = now + hold_back;
    if (output_.terminal() || window_.empty() || now >= flush_at_) {
        output_.flush();
        flush_at_ = {};
        return output_.pending() ? 0 : progress_.active() ? 100 : -1;
    }
    return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(flush_at_ - now).count());
}

void Mapper::wait() {
    const int limit_ms = wait_ms();
    if (output_.state() != Output::State::good) return;
    const bool room_for_input = waits_for_input_ && wants_lines();
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
    for (const auto call : window_.calls_out()) client_.cancel(call);
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
    const auto rest = window_.lines() - results_ - failures_;
    complain(context_, cat("interrupted: ", counted(results_, "result"), " written, ", counted(rest, "call"),
                           left_ ? " left without waiting" : " cancelled or dropped"));
    return exit_cancelled;
}

void Mapper::say_summary() {
    if (!lines_.error().empty()) complain(context_, cat("cannot read the input: ", lines_.error()));
    if (lost_) complain(context_, printable(lost_->message));
    if (stopped_) {
        const auto begun = window_.lines() - results_ - failures_;
        complain(context_, cat("stopped: ", counted(results_, "result"), " written",
                               begun == 0 ? "" : cat(", ", counted(begun, "later call"), " given up"),
                               "; --keep-going passes over lines that fail"));
    } else if (failures_ > 0 || lost_) {
        complain(context_, cat(counted(results_ + failures_, "line"), ": ", grouped(results_), " ok, ",
                               grouped(failures_), " failed"));
    }
}

}  // namespace caisson::cli
