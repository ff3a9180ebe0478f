// SPDX-License-Identifier: Apache-2.0
#include "base/system.hpp"
#include "base/text.hpp"
#include "base/units.hpp"
#include "fleet/worker.hpp"

// What is looked at in a worker that nobody asked: whether it gets to run, and its memory.
namespace caisson::fleet {

void Worker::on_paused(bool paused) {
    if (state_ == WorkerState::gone || paused_ == paused) return;
    paused_ = paused;
    owner_.on_worker_paused(*this, paused);
}

// A worker owes a sign while it has calls, if it has a heart; one that was stopped owes to go on. Not one that nobody
// listens to, for it may wait to be read; nor one that writes down how it crashed. Under a debugger nothing is judged.
bool Worker::judge(Duration elapsed, bool late) {
    const bool up = state_ == WorkerState::serving || state_ == WorkerState::draining;
    if (!up || lost_ || !box_ || !channel_ || pool_.heartbeat == pool_.heartbeat.zero()) return false;
    if (pool_.isolation.level == settings::IsolationLevel::none) return false;
    const auto beat = static_cast<std::uint64_t>(box_->beat());
    const bool owes = paused_ || (!held_.empty() && beat != 0 && !channel_->paused() && !box_->crash());
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15;
    const auto silent = pulse_.look(beat ^ (channel_->stream_offset() * odd), owes, elapsed, late);
    if (silent >= pool_.heartbeat) {
        kill(Exit::Kind::killed, cat("no heartbeat for ", format_duration(pool_.heartbeat),
                                     paused_ ? ", a signal had stopped it" : ", it did not get to run"));
        return false;
    }
    return owes || !held_.empty();
}

void Worker::measure_within(Duration age) {
    const auto now = Clock::now();
    if (!pidfd_ || now - measured_ < age) return;
    measured_ = now;
    const auto bytes = sys::own_memory_bytes(pid_);
    // Not reaped after the reading: it was of this process, and not of another that has its number now.
    if (bytes && sys::pidfd_signal(pidfd_.get(), 0)) memory_bytes_ = *bytes;
}

}  // namespace caisson::fleet
