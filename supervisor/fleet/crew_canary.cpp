// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/text.hpp"
#include "fleet/crew.hpp"
#include "wire/outcome.hpp"

// The library and its versions: a new one is tried by one worker beside the others, then promoted or rolled back.
//
//     the file changed -> read -> on trial -> promoted: the others are renewed
//                           |        +------> rolled back: that version is not tried again
//                           +-> taken over at once, where no worker of the old version has ever been ready, or the
//                               breaker is open: there is nothing to go back to
namespace caisson::fleet {

bool Crew::has_old_library(const Worker& worker) const {
    if (around_.librarian == nullptr) return worker.settings().plugin != pool_.plugin;
    return !same_version(worker.library(), library_);
}

// ---- reading --------------------------------------------------------------------------------------------------------

void Crew::look_at_library() {
    if (around_.librarian == nullptr || closed()) return;
    if (std::exchange(reading_, true)) {
        read_again_ = true;
        return;
    }
    library_timer_.cancel();
    const auto known = seen_path_ == pool_.plugin ? seen_stamp_ : std::string{};
    around_.librarian->read(pool_.plugin, known, [this, alive = alive_](Result<LibraryRef> read) {
        if (*alive) on_library(std::move(read));
    });
}

void Crew::on_library(Result<LibraryRef> read) {
    reading_ = false;
    if (closed()) return;  // who resumes it looks again
    if (!read) {
        on_no_library(read.error());
    } else {
        library_delay_ = limits::library_retry;
        library_problem_.clear();
        if (*read) judge_library(*read);
    }
    if (std::exchange(read_again_, false)) look_at_library();
}

void Crew::on_no_library(const Error& error) {
    if (error.number == EAGAIN) {  // it is being written
        library_timer_.arm_after(library_delay_, [this] { look_at_library(); });
        library_delay_ = std::min<Duration>(library_delay_ * 2, limits::library_retry_max);
        return;
    }
    if (!library_) {  // workers are good at saying what is wrong with a file
        library_ = std::make_shared<const Library>(
            Library{.path = pool_.plugin, .hash = {}, .stamp = {}, .image = {}, .by_path = error.text()});
        fill();
        return update_state();
    }
    if (library_problem_ == error.text()) return;
    library_problem_ = error.text();
    around_.log.event("library_unreadable", LogLevel::warn, "the library cannot be read; what is loaded goes on",
                      {{"pool", name()}, {"why", library_problem_}});
}

void Crew::judge_library(const LibraryRef& next) {
    seen_path_ = next->path;
    seen_stamp_ = next->stamp;
    if (!library_) {
        library_ = next;
        fill();
        return update_state();
    }
    if (trial_ && same_version(trial_->library, next)) return;
    if (same_version(library_, next)) {  // touched, or what was on trial was taken back
        library_ = next;
        refused_.reset();
        return end_trial();
    }
    if (refused_ && same_version(refused_->library, next)) return;
    if (!library_proven_ || policy_.breaker() != BreakerState::closed) return take_over(next);
    start_trial(next);
}

void Crew::take_over(const LibraryRef& next) {
    around_.log.event("library_changed", LogLevel::info, "the library changed, and is taken over at once",
                      {{"pool", name()}, {"hash", next->hash}, {"was", library_->hash}});
    end_trial();
    library_ = next;
    library_proven_ = false;
    refused_.reset();
    no_zygote_.clear();
    if (uses_zygote() && zygote_) want_zygote();
    forgive();
}

// ---- trial ----------------------------------------------------------------------------------------------------------

bool Crew::is_canary(const Worker& worker) const { return trial_ && trial_->slot->worker.get() == &worker; }

void Crew::start_trial(const LibraryRef& next) {
    end_trial();
    refused_.reset();
    trial_.emplace(Trial{.library = next, .judge = {pool_.canary, pool_.restart}, .since = Clock::now()});
    trial_->slot = &add_slot(Duty::canary);
    around_.log.event("canary_started", LogLevel::info, "one worker tries a new version of the library",
                      {{"pool", name()}, {"worker", trial_->slot->id}, {"hash", next->hash}, {"was", library_->hash}});
}

void Crew::end_trial() {
    canary_timer_.cancel();
    if (!trial_) return;
    auto& slot = *trial_->slot;
    trial_.reset();
    dismiss(slot);
    drop_empty(Duty::leaving);
}

// Calls for methods that it does not have would be refused: then only time proves it.
void Crew::on_canary_ready() {
    auto& worker = *trial_->slot->worker;
    trial_->judge.on_ready(Clock::now());
    trial_->takes_calls = !info_ || std::ranges::all_of(info_->methods, [&](const Method& method) {
        return worker.info()->find(method.name) != nullptr;
    });
    canary_timer_.arm_at(*trial_->judge.due(), [this] { promote_if_proven(); });
    if (trial_->takes_calls) roster_.note(worker);
    listener_.on_room(*this);
}

// An error that a plugin means is an answer; "internal" is what is left when something went wrong.
void Crew::on_canary_answer(const Answer& answer) {
    if (answer.started && wire::status_words[answer.status] != "internal")
        trial_->judge.on_good(answer.items);
    else if (answer.started && trial_->judge.on_bad(answer.items))
        return roll_back("it answered every call with an internal error");
    promote_if_proven();
}

// Time proves nothing of a version that has answered none of the calls that it holds, or cannot answer now.
bool Crew::canary_hangs() const {
    const auto* const worker = trial_->slot->worker.get();
    return worker == nullptr || !worker->usable() || worker->paused() ||
           (worker->held() > 0 && trial_->judge.calls() == 0);
}

void Crew::promote_if_proven() {
    if (!trial_ || !trial_->judge.proven(Clock::now())) return;
    if (canary_hangs())
        return canary_timer_.arm_after(std::max<Duration>(pool_.canary.time, limits::library_retry),
                                       [this] { promote_if_proven(); });
    auto& slot = *trial_->slot;
    around_.log.event("canary_promoted", LogLevel::info, "the new version of the library is taken for good",
                      {{"pool", name()},
                       {"worker", slot.id},
                       {"hash", trial_->library->hash},
                       {"version", slot.worker->info()->version},
                       {"calls", trial_->judge.calls()}});
    library_ = trial_->library;
    library_proven_ = true;
    canary_timer_.cancel();
    trial_.reset();
    // It has shown that it is ready, and so it succeeds the first of the others.
    slot.duty = Duty::working;
    roster_.note(*slot.worker);
    const auto old = std::ranges::find_if(slots_, [&](const auto& other) {
        return other->duty == Duty::working && other.get() != &slot &&
               (!other->worker || has_old_library(*other->worker));
    });
    if (old != slots_.end()) dismiss(**old);
    drop_empty(Duty::leaving);
    trim(Duty::working);
    if (uses_zygote()) want_zygote();
    learn_methods(*slot.worker);
    update_state();
    listener_.on_room(*this);
    renew_next();
}

void Crew::on_canary_end(Slot& slot, EndCause cause, const std::string& how) {
    canary_timer_.cancel();
    const auto decision = trial_->judge.on_end(cause, Clock::now(), chance());
    if (decision.roll_back) return roll_back(how);
    schedule(slot, decision.delay);
}

void Crew::roll_back(const std::string& why) {
    around_.log.event("canary_rolled_back", LogLevel::error, "the new version of the library is not used",
                      {{"pool", name()}, {"hash", trial_->library->hash}, {"why", why}});
    refused_ = Refused{trial_->library, why};
    end_trial();
}

// Callers are told of the methods that every worker has: while versions are mixed, of those of the old one.
void Crew::learn_methods(const Worker& worker) {
    const bool mixed = around_.librarian != nullptr && std::ranges::any_of(slots_, [&](const auto& slot) {
                           return (slot->duty == Duty::working || slot->duty == Duty::spare) && slot->ready() &&
                                  has_old_library(*slot->worker);
                       });
    const bool old = has_old_library(worker);
    if (info_ && (mixed || old)) return;
    if (!info_ || *info_ != *worker.info()) info_ = worker.info();
}

}  // namespace caisson::fleet
