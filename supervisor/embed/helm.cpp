// SPDX-License-Identifier: Apache-2.0
#include "embed/helm.hpp"

namespace caisson::embed {

void Helm::run(const std::function<bool()>& idle) {
    while (!loop_.stopped()) {
        loop_.run_turn();
        if (!offered_) continue;
        offered_ = false;
        if (idle()) lend();
    }
    loop_.run_turn();  // what was posted last: mostly things that waited for a later turn to be let go
}

// Lets others run the loop for as long as they do so again and again.
void Helm::lend() {
    std::unique_lock lock{mutex_};
    if (loop_.has_posts()) return;
    holder_ = Holder::free;
    needed_ = false;
    while (!needed_ || holder_ == Holder::lent) {
        const auto seen = drives_;
        const bool told = changed_.wait_for(lock, look_again, [&] { return needed_ && holder_ == Holder::free; });
        if (told || (holder_ == Holder::free && seen == drives_)) break;
        if (holder_ == Holder::free || seen != drives_) continue;
        // One call that takes long: no more looks until whoever drives wakes us.
        asleep_ = true;
        changed_.wait(lock, [&] { return holder_ == Holder::free; });
        asleep_ = false;
    }
    holder_ = Holder::own;
}

bool Helm::take() {
    const std::lock_guard lock{mutex_};
    if (holder_ != Holder::free || needed_) return false;
    holder_ = Holder::lent;
    ++drives_;
    return true;
}

void Helm::give_back(bool needed) {
    const std::lock_guard lock{mutex_};
    holder_ = Holder::free;
    offered_ = false;
    if (!needed && !needed_ && !asleep_ && !loop_.has_posts()) return;
    needed_ = true;
    changed_.notify_one();
}

void Helm::rouse() {
    const std::lock_guard lock{mutex_};
    if (holder_ == Holder::own || needed_) return;
    if (holder_ == Holder::lent) return;  // it sees the post, or says at its end that somebody has to
    needed_ = true;
    changed_.notify_one();
}

}  // namespace caisson::embed
