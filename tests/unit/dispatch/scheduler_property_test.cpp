// SPDX-License-Identifier: Apache-2.0
/// Whatever happens in whatever order, every item of every call and batch has exactly one outcome, a right one, and was
/// started no more often than that outcome says.
///
/// RapidCheck makes the orders and prints its seed; RC_PARAMS="seed=… max_success=… max_size=…" plays others.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <vector>

#include "unit/dispatch/model.hpp"
#include "wire/records.hpp"

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;
using model::Item;

/// One event, and two numbers that say which and how.
struct Step {
    enum Kind : std::uint8_t {
        submit,
        submit_batch,
        cancel,
        abandon,
        start,
        answer,
        fail,
        crash,
        kill_idle,
        advance,
        grow,
        shrink,
        quarantine,
        recover,
        hold,
        release,
        reports,
        turn,
        count
    };
    std::uint8_t kind;
    std::uint8_t which;
    std::uint8_t how;
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
    static constexpr const char* names[] = {"submit",     "submit_batch", "cancel", "abandon", "start",   "answer",
                                            "fail",       "crash",        "kill",   "advance", "grow",    "shrink",
                                            "quarantine", "recover",      "hold",   "release", "reports", "turn"};
    return out << names[step.kind] << '(' << int{step.which} << ',' << int{step.how} << ')';
}

}  // namespace
}  // namespace caisson::dispatch

namespace rc {
template <>
struct Arbitrary<caisson::dispatch::Step> {
    static Gen<caisson::dispatch::Step> arbitrary() {
        using caisson::dispatch::Step;
        // What makes things go on comes more often than what ends them.
        const auto kind = gen::weightedElement<std::uint8_t>({{6, Step::submit},
                                                              {4, Step::submit_batch},
                                                              {2, Step::cancel},
                                                              {1, Step::abandon},
                                                              {10, Step::start},
                                                              {8, Step::answer},
                                                              {2, Step::fail},
                                                              {3, Step::crash},
                                                              {1, Step::kill_idle},
                                                              {4, Step::advance},
                                                              {1, Step::grow},
                                                              {1, Step::shrink},
                                                              {1, Step::quarantine},
                                                              {2, Step::recover},
                                                              {1, Step::hold},
                                                              {1, Step::release},
                                                              {3, Step::reports},
                                                              {4, Step::turn}});
        return gen::build<Step>(gen::set(&Step::kind, kind), gen::set(&Step::which), gen::set(&Step::how));
    }
};
}  // namespace rc

namespace caisson::dispatch {
namespace {

settings::Pool pool_settings() {
    settings::Pool pool;
    pool.name = "model";
    pool.timeout = 400ms;
    pool.queue.calls = 60;
    pool.retry.retries = 1;
    pool.retry.on = {settings::RetryCause::crashed, settings::RetryCause::timed_out, settings::RetryCause::unavailable};
    pool.stop.grace = 50ms;
    return pool;
}

class Play {
   public:
    void step(const Step& step) {
        switch (step.kind) {
            case Step::submit:
                return submit(step, 0);
            case Step::submit_batch:
                return submit(step, 1 + step.how % 9U);
            case Step::cancel:
                if (!sent_.empty()) world_.scheduler.cancel(sent_[step.which % sent_.size()].handle);
                return;
            case Step::abandon:
                return abandon(step);
            case Step::advance:
                return world_.advance(std::chrono::milliseconds{step.how * 2});
            case Step::grow:
                world_.workers.add(1 + step.how % 6U);
                return world_.scheduler.on_change(pool());
            case Step::quarantine:
                world_.workers.set_state(fleet::CrewState::quarantined);
                return world_.scheduler.on_change(pool());
            case Step::recover:
                world_.workers.set_state(fleet::CrewState::ready);
                return world_.scheduler.on_change(pool());
            case Step::hold:
            case Step::release:
                return world_.scheduler.hold(caller(step.which), step.kind == Step::hold);
            case Step::reports:
                return world_.deliver_reports();
            case Step::turn:
                return world_.settle();
            default:
                return work(step);
        }
    }

    void close(bool at_once) {
        world_.scheduler.hold(callers_[0], false);
        world_.scheduler.hold(callers_[1], false);
        world_.workers.set_state(fleet::CrewState::ready);
        if (at_once) {
            world_.scheduler.stop();
            world_.scheduler.cancel_waiting();
            for (const auto& worker : world_.workers.list) worker->drain();
        }
        RC_ASSERT(world_.finish());
        check();
    }

   private:
    struct Sent {
        std::uint64_t id;
        Handle handle;
        std::uint32_t items;
        bool abandoned = false;
    };

    Pool& pool() { return *world_.scheduler.find("model"); }
    model::Caller& caller(std::uint8_t which) { return callers_[which % 2U]; }

    void submit(const Step& step, std::uint32_t items) {
        const auto id = next_id_++;
        wire::Buffer body;
        if (items == 0) body = model::body_of({id, 0});
        for (std::uint32_t i = 0; i < items; ++i) wire::append_record(body, model::body_of({id, i}));
        Request request{.pool = "model",
                        .method = step.which % 3U == 0 ? "again" : "plain",
                        .params = {},
                        .body = body,
                        .items = items};
        request.priority = step.how % 3 - 1;
        if (step.how % 5U == 0) request.retries = step.how % 4U;
        if (step.which % 7U == 0) request.timeout = Duration::zero();
        request.keep = step.which % 2U == 0;
        sent_.push_back({id, 0, std::max(items, 1U)});
        const auto handle = world_.scheduler.submit(request, caller(step.which), id);
        RC_ASSERT(handle.has_value());
        sent_.back().handle = *handle;
    }

    void abandon(const Step& step) {
        if (sent_.empty()) return;
        auto& sent = sent_[step.which % sent_.size()];
        // What had an outcome before keeps it; nothing more may come.
        for (std::uint32_t i = 0; i < sent.items; ++i) before_abandon_[{sent.id, i}] = outcomes_of({sent.id, i});
        sent.abandoned = true;
        world_.scheduler.abandon(sent.handle);
    }

    void work(const Step& step) {
        auto& list = world_.workers.list;
        if (list.empty()) return;
        auto& worker = *list[step.which % list.size()];
        constexpr std::uint32_t statuses[] = {5, 3, 4, 1};
        if (step.kind == Step::shrink) return worker.drain();
        if (worker.killed() || (worker.draining() && worker.held() == 0)) return world_.crash(worker);
        if (step.kind == Step::start) worker.start();
        if (step.kind == Step::answer && worker.runs()) world_.answer(worker, worker.asked_to_give_up() ? 4 : 0);
        if (step.kind == Step::fail && worker.runs()) world_.answer(worker, statuses[step.how % 4U], step.how % 8U > 0);
        if (step.kind == Step::crash && worker.runs()) world_.crash(worker);
        if (step.kind == Step::kill_idle && !worker.runs()) world_.crash(worker);
    }

    std::size_t outcomes_of(Item item) const {
        const auto found = world_.ledger.outcomes.find(item);
        return found == world_.ledger.outcomes.end() ? 0 : found->second.size();
    }

    void check() {
        for (const auto& sent : sent_) {
            for (std::uint32_t i = 0; i < sent.items; ++i) {
                const Item item{sent.id, i};
                const auto had = before_abandon_.find(item);
                if (had != before_abandon_.end()) {
                    RC_ASSERT(outcomes_of(item) == had->second);
                    continue;
                }
                RC_ASSERT(outcomes_of(item) == 1U);
                const auto& outcome = world_.ledger.outcomes[item].front();
                RC_ASSERT(world_.ledger.documents[item] != "an answer to another item");
                RC_ASSERT(world_.ledger.starts[item] <= outcome.attempts);
                if (outcome.kind == OutcomeKind::ok || outcome.kind == OutcomeKind::crashed)
                    RC_ASSERT(world_.ledger.starts[item] >= 1U);
                if (outcome.kind == OutcomeKind::refused && outcome.attempts == 0)
                    RC_ASSERT(world_.ledger.starts[item] == 0U);
            }
        }
        RC_ASSERT(world_.scheduler.outstanding() == 0U);
        RC_ASSERT(pool().queue.empty());
        RC_ASSERT(pool().queue.bytes() == 0U);
        RC_ASSERT(pool().running == 0U);
        RC_ASSERT(pool().resting == 0U);
    }

    model::World world_{pool_settings()};
    model::Caller callers_[2] = {model::Caller{world_.ledger}, model::Caller{world_.ledger}};
    std::vector<Sent> sent_;
    std::map<Item, std::size_t> before_abandon_;
    std::uint64_t next_id_ = 1;
};

RC_GTEST_PROP(SchedulerProperty, EveryItemHasExactlyOneOutcome, (const std::vector<Step>& steps, bool at_once)) {
    Play play;
    for (const auto& step : steps) play.step(step);
    play.close(at_once);
}

}  // namespace
}  // namespace caisson::dispatch
