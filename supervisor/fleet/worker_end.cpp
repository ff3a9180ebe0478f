// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <csignal>

#include "base/limits.hpp"
#include "base/system.hpp"
#include "base/text.hpp"
#include "fleet/worker.hpp"

namespace caisson::fleet {
namespace {

/// Reads of a dead worker's pipe: what a pipe can hold, and not what somebody else still writes into it.
constexpr int output_reads_at_death = 32;

}  // namespace

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

void Worker::kill_as_ordered(std::string why) {
    ordered_ |= !cause_;
    kill(Exit::Kind::killed, std::move(why));
}

void Worker::stop(TimePoint drain_until) {
    intended_ = true;
    const bool sooner = drain_until < drain_until_;
    drain_until_ = drain_until;
    if (state_ == WorkerState::draining && sooner && !lost_) {
        escalate_at(drain_until_);
        limit_farewell();
    }
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
            if (lost_) return;  // it hears nothing any more, and its time to go runs already
            channel_->send({.type = wire::Type::stop});
            escalate_at(drain_until_);
            return limit_farewell();
        case WorkerState::cancelling:
            box_->stop();
            return give_time(pool_.stop.grace, [this] { enter(WorkerEvent::escalate); });
        case WorkerState::terminating:
            note_cause(Exit::Kind::killed,
                       was_serving_
                           ? (held_.empty() ? "told to stop, and it did not end within stop.grace"
                                            : "told to stop, and it did not give up its call within stop.grace")
                           : "told to stop before it was ready");
            signal_all(SIGTERM);
            signal_all(SIGCONT);
            return give_time(pool_.stop.grace, [this] { enter(WorkerEvent::escalate); });
        case WorkerState::killing:
            timer_.cancel();
            return signal_all(SIGKILL);
        case WorkerState::starting:
        case WorkerState::serving:
        case WorkerState::gone:
            return;
    }
}

// Once it has nothing more to do, to go takes no longer than to give up a call.
void Worker::limit_farewell() {
    if (state_ == WorkerState::draining && held_.empty() && !lost_)
        escalate_at(std::min(drain_until_, Clock::now() + std::max<Duration>(pool_.stop.grace, limits::exit_patience)));
}

void Worker::escalate_at(TimePoint time) {
    timer_.arm_at(time, [this] { enter(WorkerEvent::escalate); });
}

// It has it anew if this process was held up meanwhile: then the worker may have been so, too, and what it has sent was
// not read.
void Worker::give_time(Duration time, std::function<void()> then) {
    const auto due = Clock::now() + time;
    timer_.arm_at(due, [this, time, due, then = std::move(then)] {
        if (Clock::now() - due > limits::held_up) return give_time(time, then);
        then();
    });
}

void Worker::signal_all(int signal) {
    if (pidfd_) sys::pidfd_signal(pidfd_.get(), signal);
    around_.keeper.signal(keeper_id_, signal);
}

void Worker::on_channel_end(const Channel::Ending& ending) {
    if (state_ == WorkerState::gone) return;
    if (ending.kind == Channel::Ending::Kind::garbage) return kill(Exit::Kind::protocol_error, ending.text);
    // Mostly its end, of which the keeper tells in a moment. If not, it has closed its socket and runs on.
    give_time(box_->crash() ? limits::crash_patience : limits::exit_patience, [this] {
        // No lie: what it said before, and what it had finished, counts.
        note_cause(Exit::Kind::protocol_error, "closed its socket and ran on");
        enter(WorkerEvent::kill);
    });
    lost_ = true;
    owner_.on_worker_lost(*this);
}

bool Worker::lost_in_call() const {
    return lost_ && was_serving_ && !intended_ && !held_.empty() && box_->running() != 0 && box_->crash().has_value();
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
                .keeper_lost = keeper_lost,
                .ordered = ordered_,
                .info = info_,
                .library = birth_.library};
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

}  // namespace caisson::fleet
