// SPDX-License-Identifier: Apache-2.0
#include "fleet/roster.hpp"

#include <utility>

namespace caisson::fleet {
namespace {

/// Busy workers to choose the emptiest from beyond one for each call.
constexpr std::size_t choice = 16;

}  // namespace

void Roster::note(Member& worker) {
    if (worker.held() == 0) {
        if (!std::exchange(worker.among_idle, true)) idle_.push_back(&worker);
    } else {
        if (!std::exchange(worker.among_busy, true)) busy_.push_back(&worker);
    }
}

void Roster::forget(Member& worker) {
    if (std::exchange(worker.among_idle, false)) std::erase(idle_, &worker);
    if (std::exchange(worker.among_busy, false)) std::erase(busy_, &worker);
}

void Roster::find(std::vector<Hand*>& with_room, std::size_t calls) {
    const auto before = with_room.size();
    find_idle(with_room, calls);
    const auto found = with_room.size() - before;
    if (found < calls) find_busy(with_room, calls - found + choice);
}

// The last ones first: whoever was idle last has its memory at hand.
void Roster::find_idle(std::vector<Hand*>& with_room, std::size_t most) {
    for (auto place = idle_.size(); place > 0 && most > 0; --place) {
        auto& worker = *idle_[place - 1];
        if (worker.held() == 0 && worker.room() > 0) {
            with_room.push_back(&worker);
            --most;
            continue;
        }
        idle_[place - 1] = idle_.back();
        idle_.pop_back();
        worker.among_idle = false;
        if (worker.held() > 0) note(worker);
    }
}

void Roster::find_busy(std::vector<Hand*>& with_room, std::size_t most) {
    for (auto looks = busy_.size(); looks > 0 && most > 0; --looks) {
        auto& worker = *busy_.front();
        busy_.pop_front();
        worker.among_busy = worker.held() > 0 && worker.room() > 0;  // if it is idle, it was noted as such
        if (!worker.among_busy) continue;
        busy_.push_back(&worker);
        with_room.push_back(&worker);
        --most;
    }
}

}  // namespace caisson::fleet
