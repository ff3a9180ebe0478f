// SPDX-License-Identifier: Apache-2.0
#include "fleet/worker.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "fleet/setup.hpp"
#include "wire/outcome.hpp"
#include "wire/records.hpp"

namespace caisson::fleet {
namespace {

/// How much one new measurement moves the average of the service time. An eighth follows a change within a few calls
/// and is not thrown by one outlier; the same weight as TCP's smoothed round trip (RFC 6298).
constexpr double service_weight = 0.125;
/// Bytes of output that one turn reads from one pipe.
constexpr std::size_t output_read_bytes = 64 * 1024;
/// Reads of a dead worker's pipe: what a pipe can hold, and not what somebody else still writes into it.
constexpr int output_reads_at_death = 32;

}  // namespace

Worker::Worker(Surroundings surroundings, Owner& owner, const settings::Pool& pool, std::uint32_t id)
    : around_(surroundings), owner_(owner), pool_(pool), id_(id), timer_(surroundings.loop.timer()) {}

Worker::~Worker() { *alive_ = false; }

std::string Worker::name() const { return cat(pool_.name, "/", id_); }

// ---- start ----------------------------------------------------------------------------------------------------------

void Worker::spawn() {
    spawned_ = Clock::now();
    if (auto ordered = try_spawn(); !ordered) {
        around_.loop.post([this, alive = alive_, error = ordered.error()] {
            if (*alive) die({.kind = Exit::Kind::setup_failed, .step = "spawn", .why = error.text()});
        });
        return;
    }
    timer_.arm_after(pool_.limits.start_timeout, [this] {
        const auto step = box_ ? word(box_->step()) : std::string_view{"spawn"};
        kill(Exit::Kind::setup_failed, cat("not ready after ", pool_.limits.start_timeout.count(),
                                           " ms (limits.start_timeout), it was at: ", step));
    });
}

Result<void> Worker::try_spawn() {
    auto box = Box::make();
    if (!box) return std::unexpected(box.error());
    auto socket = sys::socket_pair(SOCK_STREAM);
    if (!socket) return std::unexpected(socket.error());
    auto out = sys::pipe();
    if (!out) return std::unexpected(out.error());
    auto err = sys::pipe();
    if (!err) return std::unexpected(err.error());
    const Fd null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!null) return fail_errno("/dev/null", errno);
    for (const int descriptor : {socket->first.get(), out->first.get(), err->first.get()})
        if (auto set = sys::set_nonblocking(descriptor); !set) return set;

    if (auto ready = around_.keeper.ensure(); !ready) return ready;
    const auto guard = [alive = alive_](auto function) {
        return [alive, function](auto&&... arguments) {
            if (*alive) function(std::forward<decltype(arguments)>(arguments)...);
        };
    };
    auto ordered = around_.keeper.spawn(
        {.program = keeper::Program::worker,
         .arguments = {"caisson-worker", name(), std::to_string(around_.keeper.pid())},
         .environment = environment_of(pool_),
         .descriptors = {null.get(), out->second.get(), err->second.get(), socket->second.get(), box->descriptor()}},
        {.on_spawned = guard([this](pid_t pid, Fd pidfd) { on_spawned(pid, std::move(pidfd)); }),
         .on_failed = guard([this](int number) {
             die({.kind = Exit::Kind::setup_failed,
                  .step = "spawn",
                  .why = fail_errno("cannot start caisson-worker", number).error().what});
         }),
         .on_ended = guard([this](const KeeperLink::Ended& ended) { on_ended(ended); })});
    if (!ordered) return std::unexpected(ordered.error());
    keeper_id_ = *ordered;
    box_ = std::move(*box);
    channel_.emplace(around_.loop, std::move(socket->first),
                     Channel::Handlers{.on_frame = [this](const wire::Frame& frame) { on_frame(frame); },
                                       .on_end = [this](const Channel::Ending& ending) { on_channel_end(ending); }});
    channel_->send({.type = wire::Type::setup}, setup_document(pool_, id_));
    stdout_ = std::move(out->first);
    stderr_ = std::move(err->first);
    stdout_watch_ = around_.loop.watch(stdout_.get());
    stdout_watch_.on_readable([this] { read_output(stdout_, stdout_lines_, "stdout", 1); });
    stderr_watch_ = around_.loop.watch(stderr_.get());
    stderr_watch_.on_readable([this] { read_output(stderr_, stderr_lines_, "stderr", 1); });
    return {};
}

void Worker::on_spawned(pid_t pid, Fd pidfd) {
    pid_ = pid;
    pidfd_ = std::move(pidfd);
    if (state_ == WorkerState::terminating || state_ == WorkerState::killing) act();  // told to end before it began
    serve();
}

void Worker::on_ready(const wire::Frame& frame) {
    auto info = PluginInfo::parse(frame.head());
    if (!info) return kill(Exit::Kind::protocol_error, info.error().what);
    info_ = std::make_shared<const PluginInfo>(std::move(*info));
    serve();
}

// A quick worker is ready before the keeper's notice says who it is; nobody should see one without a pid.
void Worker::serve() {
    if (state_ != WorkerState::starting || !info_ || pid_ == 0) return;
    timer_.cancel();
    was_serving_ = true;
    enter(WorkerEvent::ready);
    owner_.on_worker_ready(*this);
}

void Worker::on_setup_failed(const wire::Frame& frame) {
    const auto said = nlohmann::json::parse(frame.head(), nullptr, false);
    const auto text = [&](const char* key) {
        const auto found = said.is_object() ? said.find(key) : said.end();
        return found != said.end() && found->is_string()
                   ? printable(cut(found->get_ref<const std::string&>(), limits::worker_text_bytes))
                   : std::string{"?"};
    };
    if (!cause_) cause_ = Exit{.kind = Exit::Kind::setup_failed, .step = text("step"), .why = text("message")};
}

// ---- calls ----------------------------------------------------------------------------------------------------------

std::uint32_t Worker::room() const {
    if (state_ != WorkerState::serving || !channel_ || channel_->closed()) return 0;
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
                        .flags = work.stream ? wire::flag::stream : std::uint8_t{0},
                        .attempt = work.attempt,
                        .id = next_sequence_,
                        .a = *method,
                        .time_ns = work.deadline_ns};
    if (work.memory == nullptr)
        channel_->send(header, work.params, {}, work.body);
    else if (!channel_->send_memory(header, work.params, {}, *work.memory, work.memory_bytes))
        return Given::no_descriptor;
    if (held_.empty()) last_heard_ = Clock::now();  // its silence begins now
    held_.push_back({next_sequence_, items, call, work.number, *method});
    next_sequence_ += items;
    held_items_ += items;
    return Given::taken;
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
        held_.pop_back();
    }
    std::ranges::reverse(back);
    channel_->send({.type = wire::Type::reopen, .a = claim.generation});
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
    const auto run = lied_ ? std::nullopt : box_->open_run();
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
    const auto call = held->call;
    drop_front_items(1);
    last_heard_ = Clock::now();  // only answers count: a call that streams without end is as slow as a silent one
    note_service(header.time_ns, 1);
    owner_.on_worker_answer(*this, call, answer);
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
                            {.items = items, .records = true, .error = {}, .encoding = header.encoding, .body = news});
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
    if (front.items == 0) held_.pop_front();
}

// ---- end ------------------------------------------------------------------------------------------------------------

void Worker::note_cause(Exit::Kind kind, std::string why) {
    if (cause_) return;
    cause_ = Exit{.kind = kind, .why = std::move(why)};
    if (kind == Exit::Kind::setup_failed) cause_->step = box_ ? word(box_->step()) : std::string_view{"spawn"};
}

void Worker::kill(Exit::Kind kind, std::string why) {
    if (state_ == WorkerState::gone) return;
    lied_ |= kind == Exit::Kind::protocol_error;
    note_cause(kind, std::move(why));
    enter(WorkerEvent::kill);
}

void Worker::stop(TimePoint drain_until) {
    intended_ = true;
    const bool sooner = drain_until < drain_until_;
    drain_until_ = drain_until;
    if (state_ == WorkerState::draining && sooner) escalate_at(drain_until_);
    enter(WorkerEvent::drain);
}

void Worker::enter(WorkerEvent event) {
    const auto next = next_state(state_, event);
    if (!next) return;
    state_ = *next;
    act();
}

void Worker::act() {
    switch (state_) {
        case WorkerState::draining:
            channel_->send({.type = wire::Type::stop});
            return escalate_at(drain_until_);
        case WorkerState::cancelling:
            box_->stop();
            return escalate_at(Clock::now() + pool_.stop.grace);
        case WorkerState::terminating:
            note_cause(Exit::Kind::killed, was_serving_
                                               ? "told to stop, and it did not give up its call within stop.grace"
                                               : "told to stop before it was ready");
            signal_all(SIGTERM);
            signal_all(SIGCONT);
            return escalate_at(Clock::now() + pool_.stop.grace);
        case WorkerState::killing:
            timer_.cancel();
            return signal_all(SIGKILL);
        case WorkerState::starting:
        case WorkerState::serving:
        case WorkerState::gone:
            return;
    }
}

void Worker::escalate_at(TimePoint time) {
    timer_.arm_at(time, [this] { enter(WorkerEvent::escalate); });
}

void Worker::signal_all(int signal) {
    if (pidfd_) sys::pidfd_signal(pidfd_.get(), signal);
    around_.keeper.signal(keeper_id_, signal);
}

void Worker::on_channel_end(const Channel::Ending& ending) {
    if (state_ == WorkerState::gone) return;
    if (ending.kind == Channel::Ending::Kind::garbage) return kill(Exit::Kind::protocol_error, ending.text);
    // Mostly its end, of which the keeper tells in a moment. If not, it has closed its socket and runs on.
    timer_.arm_after(limits::exit_patience, [this] {
        // No lie: what it said before, and what it had finished, counts.
        note_cause(Exit::Kind::protocol_error, "closed its socket and ran on");
        enter(WorkerEvent::kill);
    });
}

void Worker::on_ended(const KeeperLink::Ended& ended) {
    // Its parent-death signal should have ended it; a plugin can clear that.
    if (ended.lost && pidfd_) sys::pidfd_signal(pidfd_.get(), SIGKILL);
    channel_->drain();
    // What it had finished and not sent. Nothing that a liar left is believed.
    if (!lied_) channel_->take_ahead(box_->output_after(channel_->stream_offset()));
    take_open_run();
    die(exit_of(ended), ended.lost);
}

Exit Worker::exit_of(const KeeperLink::Ended& ended) {
    Exit exit;
    if (ended.lost) {
        exit = {.kind = Exit::Kind::killed, .why = "the keeper of all workers died"};
    } else if (ended.by_signal) {
        exit = {.kind = Exit::Kind::signaled, .signal = ended.number};
    } else {
        exit = {.kind = Exit::Kind::exited, .code = ended.number};
    }
    exit.crash = box_->crash();
    if (exit.crash && exit.crash->signal != exit.signal) exit.crash.reset();  // caught and survived, earlier
    exit.max_rss_bytes = ended.max_rss_bytes;
    if (!was_serving_ && !cause_) {
        const auto how = words(exit, false);
        exit.step = word(box_->step());
        exit.why = exit.kind == Exit::Kind::exited ? how : cat("died: ", how);
        exit.kind = Exit::Kind::setup_failed;
    }
    if (cause_) {
        exit.kind = cause_->kind;
        exit.why = cause_->why;
        exit.step = cause_->step;
        if (exit.kind == Exit::Kind::killed || exit.kind == Exit::Kind::protocol_error) exit.crash.reset();
    }
    return exit;
}

void Worker::die(Exit exit, bool keeper_lost) {
    if (told_death_) return;
    told_death_ = true;
    timer_.cancel();
    state_ = WorkerState::gone;
    if (channel_) channel_->close();
    stdout_watch_ = {};
    stderr_watch_ = {};
    if (stdout_) read_output(stdout_, stdout_lines_, "stdout", output_reads_at_death);
    if (stderr_) read_output(stderr_, stderr_lines_, "stderr", output_reads_at_death);
    stdout_lines_.finish([this](std::string_view line) { take_line("stdout", line); });
    stderr_lines_.finish([this](std::string_view line) { take_line("stderr", line); });
    stdout_.reset();
    stderr_.reset();
    Death death{.exit = std::move(exit),
                .pid = pid_,
                .started = {},
                .unstarted = {},
                .output = tail_.lines(),
                .was_serving = was_serving_,
                .intended = intended_,
                .keeper_lost = keeper_lost};
    sort_held(death);
    owner_.on_worker_death(*this, death);
}

// Which of the calls had been started? The claim word says, if it can be true: it names nothing that was never sent.
void Worker::sort_held(Death& death) {
    // Closed, not only read: after the loss of the keeper the worker may still be about to die, and must start nothing.
    const auto claimed = box_ ? box_->close_claim().sequence : 0;
    const bool plausible = claimed < next_sequence_;
    for (const auto& held : held_) {
        std::uint64_t started = plausible && held.sequence <= claimed ? claimed - held.sequence + 1 : 0;
        if (!plausible && held.sequence == held_.front().sequence) started = 1;
        const auto items = static_cast<std::uint32_t>(std::min<std::uint64_t>(started, held.items));
        if (items > 0) death.started.push_back({held.call, items});
        if (items < held.items) death.unstarted.push_back({held.call, held.items - items});
    }
    held_.clear();
    held_items_ = 0;
}

// ---- output ---------------------------------------------------------------------------------------------------------

void Worker::read_output(Fd& pipe, LineSplitter& splitter, std::string_view stream, int reads) {
    std::array<char, output_read_bytes> bytes;
    const auto sink = [&](std::string_view line) { take_line(stream, line); };
    for (; reads > 0; --reads) {
        const auto got = ::read(pipe.get(), bytes.data(), bytes.size());
        if (got < 0 && errno == EINTR) continue;
        if (got > 0) {
            splitter.feed({bytes.data(), static_cast<std::size_t>(got)}, around_.output_rules.plugin_line_bytes, sink);
            continue;
        }
        if (got == 0 || errno != EAGAIN) {  // every writer has closed it
            (&pipe == &stdout_ ? stdout_watch_ : stderr_watch_) = {};
            pipe.reset();
        }
        return;
    }
}

void Worker::take_line(std::string_view stream, std::string_view line) {
    tail_.add(line);
    const auto now = Clock::now();
    if (const auto held_back = budget_.held_back(now); held_back > 0)
        around_.log.warn("lines of plugin output not logged (log.plugin_lines)",
                         {{"pool", pool_.name}, {"worker", id_}, {"count", held_back}});
    if (!budget_.take(now, around_.output_rules.plugin_lines)) return;
    const auto call = held_.empty() ? 0 : held_.front().number;
    if (around_.on_output) around_.on_output(pool_.name, id_, call, stream, line);
    around_.log.info(line, {{"stream", stream}, {"pool", pool_.name}, {"worker", id_}, {"pid", pid_}, {"call", call}});
}

}  // namespace caisson::fleet
