// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/limits.hpp"
#include "fleet/crew.hpp"

// Calls to workers, and the looks at those that are silent.
namespace caisson::fleet {
namespace {

/// The longest pause between two looks at a silent worker.
constexpr auto silence_delay_max = std::chrono::milliseconds{64};

}  // namespace

void Crew::find_room(std::vector<Hand*>& with_room, std::size_t calls) { roster_.find(with_room, calls); }

Given Crew::give(Hand& hand, CallToken call, const Work& work) {
    // Whoever has room is one of ours.
    const auto given = static_cast<Worker&>(hand).start(call, work);
    if (given != Given::taken) return given;
    if (hand.held() > 1) watch_silence();
    watch_pulse();
    return given;
}

// A look can find that a worker is lost, and that changes the slots; the workers stay until a later turn.
std::vector<Worker*> Crew::holders(std::size_t least) const {
    std::vector<Worker*> found;
    for (const auto& slot : slots_)
        if (slot->worker && slot->worker->held() >= least) found.push_back(slot->worker.get());
    return found;
}

std::vector<Part> Crew::take_back_stuck() {
    const auto now = Clock::now();
    std::vector<Part> back;
    // Nobody is silent for long before there was time to be: however often the scheduler asks, and however many workers
    // there are, they are looked at as often as that.
    if (now < next_stuck_look_) return back;
    next_stuck_look_ = now + limits::silence_before_look;
    for (auto* const worker : holders(1)) {
        if (!worker->lost()) {
            if (worker->held() < 2) continue;
            if (now - worker->last_heard() < limits::silence_before_look) {
                watch_silence();
                continue;
            }
            worker->look();
        }
        std::ranges::move(worker->take_back(), std::back_inserter(back));
    }
    return back;
}

void Crew::watch_silence() {
    if (silence_timer_.armed() || closed()) return;
    silence_timer_.arm_after(silence_delay_, [this] { look_at_silent(); });
}

// A worker that runs a slow call may hold finished results of quick ones before it, and unstarted ones behind it.
void Crew::look_at_silent() {
    const auto now = Clock::now();
    const auto silent = holders(2);
    for (auto* const worker : silent)
        if (now - worker->last_heard() >= limits::silence_before_look) worker->look();
    if (!silent.empty()) {
        silence_delay_ = std::min<Duration>(silence_delay_ * 2, silence_delay_max);
        watch_silence();
    }
    listener_.on_room(*this);
}

}  // namespace caisson::fleet
