// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "base/text.hpp"
#include "fleet/crew.hpp"

// A pool's zygote: when there is one, and what happens to the workers that wait for it.
namespace caisson::fleet {

bool Crew::uses_zygote() const { return pool_.start == settings::StartMethod::zygote && no_zygote_.empty(); }

// If nobody reads libraries, a worker loads what the file is when it starts; so must its zygote.
bool Crew::zygote_is_old() const {
    return needs_new_worker(zygote_->settings(), pool_) || has_old_library(*zygote_) ||
           (around_.librarian == nullptr && zygote_stamp_ != stamp_of(pool_.plugin));
}

void Crew::want_zygote() {
    if (closed() || zygote_timer_.armed() || waits_for_library()) return;
    if (!zygote_) return start_zygote();
    if (zygote_is_old()) end_zygote();  // the next follows its end
}

void Crew::start_zygote() {
    zygote_timer_.cancel();
    if (around_.librarian == nullptr) zygote_stamp_ = stamp_of(pool_.plugin);
    zygote_ = std::make_unique<Worker>(around_, static_cast<Worker::Owner&>(*this), pool_, 0,
                                       Birth{.zygote = true, .library = library_});
    zygote_->spawn();
}

// Those that wait for nothing but a zygote, or for there being none.
void Crew::start_waiting() {
    if (closed()) return;
    for (const auto& slot : slots_)
        if (!slot->worker && !slot->restart.armed()) start_worker(*slot);
}

void Crew::end_zygote() {
    zygote_timer_.cancel();
    if (zygote_) zygote_->stop(Clock::now());
}

void Crew::on_zygote_death(const Death& death, EndCause cause) {
    const std::shared_ptr<Worker> gone{std::move(zygote_)};
    around_.loop.post([gone] {});  // it is still in its callback
    const auto decision = policy_.on_end(cause, Clock::now(), chance());
    if (decision.quarantine && !closed())
        quarantine(last_end_);
    else if (!closed() && policy_.breaker() != BreakerState::open)
        zygote_timer_.arm_after(decision.delay, [this] { uses_zygote() ? start_zygote() : start_waiting(); });
    if (death.exit.step != "zygote") listener_.on_death(*this, *gone, death);
    update_state();
}

// The pool goes on without: what its workers do is the same.
void Crew::give_up_zygote(const std::string& why) {
    if (!uses_zygote()) return;
    no_zygote_ = why;
    around_.log.event("zygote_given_up", LogLevel::warn, "workers start by exec, not as copies of a zygote",
                      {{"pool", name()}, {"why", why}});
    end_zygote();
}

}  // namespace caisson::fleet
