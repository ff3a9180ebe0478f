// SPDX-License-Identifier: Apache-2.0
#include "dispatch/scheduler.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/dispatch/model.hpp"
#include "wire/records.hpp"

namespace caisson::dispatch {
namespace {

using namespace std::chrono_literals;
using model::Item;

settings::Pool pool_settings() {
    settings::Pool pool;
    pool.name = "model";
    return pool;
}

class SchedulerTest : public testing::Test {
   protected:
    void make(const settings::Pool& settings = pool_settings(), std::uint32_t workers = 1, std::uint32_t credit = 4) {
        world = std::make_unique<model::World>(settings, workers, credit);
        caller = std::make_unique<model::Caller>(world->ledger);
        other = std::make_unique<model::Caller>(world->ledger);
    }
    std::optional<Handle> submit(std::uint64_t id, Request request = {}, model::Caller* from = nullptr) {
        const auto body = model::body_of({id, 0});
        request.pool = "model";
        if (request.method.empty()) request.method = "plain";
        request.body = body;
        return world->scheduler.submit(request, from != nullptr ? *from : *caller, id);
    }
    Handle submit_batch(std::uint64_t id, std::uint32_t items, Request request = {}) {
        wire::Buffer body;
        for (std::uint32_t i = 0; i < items; ++i) wire::append_record(body, model::body_of({id, i}));
        request.pool = "model";
        request.method = "plain";
        request.body = body;
        request.items = items;
        return world->scheduler.submit(request, *caller, id).value();
    }
    model::Worker& worker(std::size_t index = 0) { return *world->workers.list.at(index); }
    OutcomeKind kind(std::uint64_t id, std::uint32_t item = 0) {
        const auto& outcomes = world->ledger.outcomes[{id, item}];
        EXPECT_EQ(outcomes.size(), 1U) << "of item " << item << " of " << id;
        return outcomes.empty() ? OutcomeKind::refused : outcomes.front().kind;
    }
    nlohmann::json document(std::uint64_t id, std::uint32_t item = 0) {
        return nlohmann::json::parse(world->ledger.documents[{id, item}], nullptr, false);
    }

    std::unique_ptr<model::World> world;
    std::unique_ptr<model::Caller> caller;
    std::unique_ptr<model::Caller> other;
};

TEST_F(SchedulerTest, APoolThatDrainsServesWhatItHasRefusesWhatIsNewAndThenRests) {
    make(pool_settings(), 1, 1);
    EXPECT_TRUE(submit(1));
    EXPECT_TRUE(submit(2));
    world->settle();
    world->workers.set_state(fleet::CrewState::draining);
    EXPECT_EQ(submit(3), 0U);
    EXPECT_EQ(kind(3), OutcomeKind::refused);
    EXPECT_EQ(document(3).at("hint"), "`caisson resume model` lets it take calls again");
    world->settle();
    EXPECT_EQ(world->workers.state(), fleet::CrewState::draining) << "there are calls";
    EXPECT_TRUE(world->finish());
    EXPECT_EQ(kind(1), OutcomeKind::ok);
    EXPECT_EQ(kind(2), OutcomeKind::ok);
    EXPECT_EQ(world->workers.state(), fleet::CrewState::drained);
}

TEST_F(SchedulerTest, WhatWaitsForAPoolWhoseWorkersAreGoneForAWhileIsRefused) {
    make(pool_settings(), 1, 1);
    EXPECT_TRUE(submit(1));
    EXPECT_TRUE(submit(2));
    world->settle();
    world->workers.set_state(fleet::CrewState::drained);  // the breaker opened while it drained
    world->scheduler.on_change(*world->scheduler.find("model"));
    world->settle();
    EXPECT_EQ(kind(2), OutcomeKind::refused);
    world->workers.set_state(fleet::CrewState::ready);
    EXPECT_TRUE(world->finish());
}

TEST_F(SchedulerTest, AWorkerThatAnOperatorKilledDoesNotMakeItsInputPoison) {
    auto settings = pool_settings();
    settings.poison.crashes = 1;
    make(settings);
    EXPECT_TRUE(submit(1));
    world->settle();
    worker().start();
    auto death = worker().die();
    death.ordered = true;
    world->scheduler.on_death(world->workers, worker(), death);
    world->deliver_reports();
    EXPECT_EQ(kind(1), OutcomeKind::crashed);
    EXPECT_EQ(world->scheduler.poison().size(), 0U);
}

TEST_F(SchedulerTest, ACrashInABatchFailsTheItemThatRan) {
    make();
    submit_batch(1, 3);
    world->settle();
    worker().start();
    world->answer(worker(), 0);
    worker().start();
    world->crash(worker());
    EXPECT_TRUE(world->finish());
    EXPECT_EQ(kind(1, 0), OutcomeKind::ok);
    EXPECT_EQ(kind(1, 1), OutcomeKind::crashed);
    EXPECT_EQ(kind(1, 2), OutcomeKind::ok);
    for (std::uint32_t i = 0; i < 3; ++i) EXPECT_EQ((world->ledger.starts[Item{1, i}]), 1U);
}

TEST_F(SchedulerTest, WhatWaitsBehindARunningItemGoesToAnIdleWorker) {
    make(pool_settings(), 1, 8);
    submit_batch(1, 5);
    world->settle();
    worker(0).start();  // and never ends
    worker(0).get_stuck();
    world->workers.add(8);
    world->scheduler.on_change(*world->scheduler.find("model"));
    world->settle();
    EXPECT_EQ(worker(0).held(), 1U);
    EXPECT_EQ(worker(1).held(), 4U);
}

TEST_F(SchedulerTest, ARetryHasItsNumberAndItsPause) {
    auto settings = pool_settings();
    settings.retry.backoff_min = 100ms;
    make(settings);
    submit(1, {.retries = 1});
    world->settle();
    worker().start();
    world->crash(worker());
    world->settle();
    EXPECT_FALSE(worker().start()) << "it rests";
    world->advance(90ms);
    EXPECT_TRUE(worker().start());
    world->answer(worker(), 0);
    EXPECT_EQ(kind(1), OutcomeKind::ok);
    EXPECT_EQ((world->ledger.outcomes[Item{1, 0}].front().attempts), 2U);
}

TEST_F(SchedulerTest, ARetryAfterATimeoutGetsAsMuchTimeAgain) {
    auto settings = pool_settings();
    settings.retry.on = {settings::RetryCause::timed_out};
    settings.stop.grace = 50ms;
    make(settings);
    submit(1, {.timeout = 100ms, .retries = 1});
    world->settle();
    worker().start();
    world->advance(110ms);
    EXPECT_TRUE(worker().asked_to_give_up());
    world->answer(worker(), 4);
    world->advance(60ms);
    EXPECT_TRUE(worker().start());
    world->advance(80ms);
    EXPECT_TRUE(world->ledger.outcomes[Item({1, 0})].empty());
    world->advance(40ms);
    world->answer(worker(), 4);
    EXPECT_EQ(kind(1), OutcomeKind::timed_out);
    EXPECT_EQ(document(1)["attempts"], 2);
    EXPECT_EQ(document(1)["phase"], "running");
}

TEST_F(SchedulerTest, PoisonEndsRetriesAndIsRefused) {
    make();
    submit(1, {.retries = 10});
    for (int i = 0; i < 3; ++i) {
        world->settle();
        ASSERT_TRUE(worker().start()) << i;
        world->crash(worker());
        world->advance(5s);
    }
    world->deliver_reports();
    EXPECT_EQ(kind(1), OutcomeKind::crashed);
    // The same input again, by another caller.
    const auto body = model::body_of({1, 0});
    const Request same{.pool = "model", .method = "plain", .params = {}, .body = body};
    EXPECT_EQ(world->scheduler.submit(same, *other, 2), 0U);
    EXPECT_EQ(kind(2), OutcomeKind::refused);
    EXPECT_EQ(document(2)["bound"], "poison.crashes");
    EXPECT_EQ(world->scheduler.poison().clear("", ""), 1U);
    EXPECT_NE(world->scheduler.submit(same, *other, 1), 0U);
    world->scheduler.stop();
    world->scheduler.cancel_waiting();
}

TEST_F(SchedulerTest, APoisonousItemIsRefusedAloneFromItsBatch) {
    auto settings = pool_settings();
    settings.poison.crashes = 1;
    make(settings);
    submit_batch(1, 4);
    world->settle();
    worker().start();
    world->answer(worker(), 0);
    worker().start();
    world->crash(worker());
    EXPECT_TRUE(world->finish());
    EXPECT_EQ(kind(1, 1), OutcomeKind::crashed);
    world->ledger = {};
    submit_batch(1, 4);
    EXPECT_EQ(kind(1, 1), OutcomeKind::refused);
    EXPECT_TRUE(world->finish());
    for (const std::uint32_t good : {0U, 2U, 3U}) EXPECT_EQ(kind(1, good), OutcomeKind::ok);
}

TEST_F(SchedulerTest, AFullQueueRefusesOrLetsWait) {
    auto settings = pool_settings();
    settings.queue.calls = 2;
    make(settings, 1, 1);
    for (std::uint64_t id = 1; id <= 3; ++id) EXPECT_TRUE(submit(id).has_value());
    EXPECT_EQ(kind(3), OutcomeKind::refused);
    EXPECT_EQ(document(3)["bound"], "queue.calls");

    settings.queue.full = settings::QueueFull::wait;
    make(settings, 1, 1);
    EXPECT_TRUE(submit(1).has_value());
    EXPECT_TRUE(submit(2).has_value());
    EXPECT_FALSE(submit(3).has_value());
    world->settle();
    EXPECT_EQ(caller->rooms, 1);
    EXPECT_TRUE(submit(3).has_value());
    EXPECT_TRUE(world->finish());
    EXPECT_EQ(kind(3), OutcomeKind::ok);
}

TEST_F(SchedulerTest, WhatNeverFitsIsRefusedAlsoWhereOthersWait) {
    auto settings = pool_settings();
    settings.queue.calls = 2;
    settings.queue.full = settings::QueueFull::wait;
    make(settings);
    EXPECT_EQ(submit_batch(1, 3), 0U);
    EXPECT_EQ(kind(1, 2), OutcomeKind::refused);
}

TEST_F(SchedulerTest, UrgentCallsOvertakeAndCallersTakeTurns) {
    make(pool_settings(), 1, 1);
    submit(1);
    world->settle();
    submit(2, {.priority = -5});
    submit(3);
    submit(4);
    submit(5, {}, other.get());
    submit(6, {.priority = 9});
    std::vector<std::uint64_t> order;
    for (int i = 0; i < 6; ++i) {
        ASSERT_TRUE(worker().start());
        for (const auto& [item, starts] : world->ledger.starts)
            if (starts == 1 && world->ledger.outcomes[item].empty()) order.push_back(item.first);
        world->answer(worker(), 0);
        world->settle();
    }
    EXPECT_EQ(order, (std::vector<std::uint64_t>{1, 6, 3, 5, 4, 2}));
}

TEST_F(SchedulerTest, AnAbandonedCallGoesOnIfItIsToBeKept) {
    make();
    const auto kept = submit(1, {.keep = true});
    const auto dropped = submit(2);
    world->scheduler.abandon(*kept);
    world->scheduler.abandon(*dropped);
    EXPECT_TRUE(world->finish());
    EXPECT_EQ((world->ledger.starts[Item{1, 0}]), 1U);
    EXPECT_EQ((world->ledger.starts[Item{2, 0}]), 0U);
    EXPECT_TRUE(world->ledger.outcomes.empty());
}

TEST_F(SchedulerTest, MeasuresHowLongCallsWaitAndRun) {
    make();
    submit(1);
    world->settle();
    worker().start();
    world->advance(10ms);
    world->answer(worker(), 0);
    submit(2);
    world->settle();
    worker().start();
    world->advance(100ms);
    world->answer(worker(), 6);  // failed: it ran as well
    const auto& pool = *world->scheduler.find("model");
    const auto& method = *pool.measures.methods().at("plain");
    EXPECT_EQ(method.running.count(), 2U);
    EXPECT_NEAR(method.running_s, 0.002, 1e-9);
    EXPECT_NEAR(method.waiting_s, 0.009 + 0.099, 1e-9);
    EXPECT_NEAR(seconds(pool.measures.last_minute().total.quantile(0.99)), 0.1, 0.013);
    EXPECT_EQ(method.by_outcome[0], 1U);
    EXPECT_EQ(method.by_outcome[1], 1U);
}

TEST_F(SchedulerTest, MeasuresItemsThatAreAnsweredTogetherByTheirMean) {
    make(pool_settings(), 1, 3);
    submit_batch(1, 3);
    world->settle();
    world->advance(10ms);
    for (int i = 0; i < 3; ++i) {
        worker().start();
        world->answer(worker(), 0);
    }
    const auto& method = *world->scheduler.find("model")->measures.methods().at("plain");
    EXPECT_EQ(method.running.count(), 3U);
    EXPECT_NEAR(method.running_s, 0.003, 1e-9);
    EXPECT_EQ(method.by_outcome[0], 3U);
}

TEST_F(SchedulerTest, MeasuresItemsBeforeACrash) {
    make(pool_settings(), 1, 3);
    submit_batch(1, 3);
    world->settle();
    world->advance(10ms);
    for (int i = 0; i < 2; ++i) {
        worker().start();
        world->answer(worker(), 0);
    }
    worker().start();
    world->crash(worker());
    EXPECT_TRUE(world->finish());
    const auto& method = *world->scheduler.find("model")->measures.methods().at("plain");
    EXPECT_EQ(method.running.count(), 2U);
    EXPECT_EQ(method.by_outcome[0], 2U);
    EXPECT_EQ(method.by_outcome[2], 1U);
}

TEST_F(SchedulerTest, CountsRefusalsByReasonAndTimeoutsByPhase) {
    auto settings = pool_settings();
    settings.queue.calls = 1;
    settings.stop.grace = 10ms;
    make(settings, 1, 1);
    submit(1, {.timeout = 50ms});
    world->settle();
    worker().start();
    submit(2, {.timeout = 20ms});
    submit(3);  // the queue is full
    submit(4, {.method = "nonsense"});
    world->advance(30ms);  // 2 waited in vain
    world->advance(30ms);
    world->answer(worker(), 4);  // 1 gave up
    const auto& measures = world->scheduler.find("model")->measures;
    EXPECT_EQ(measures.refused.at("queue_full"), 1U);
    EXPECT_EQ(measures.refused.at("unknown_method"), 1U);
    EXPECT_EQ(measures.timed_out_waiting, 1U);
    EXPECT_EQ(measures.timed_out_running, 1U);
    EXPECT_FALSE(measures.methods().contains("nonsense"));
    const Request nowhere{.pool = "nowhere", .method = "plain"};
    EXPECT_EQ(world->scheduler.submit(nowhere, *caller, 5), Handle{0});
    EXPECT_EQ(world->scheduler.refused().at("unknown_pool"), 1U);
}

TEST_F(SchedulerTest, ACancelledBatchEndsWholly) {
    make(pool_settings(), 2, 4);
    const auto batch = submit_batch(1, 20);
    world->settle();
    worker(0).start();
    worker(1).start();
    world->scheduler.cancel(batch);
    EXPECT_TRUE(worker(0).asked_to_give_up());
    world->answer(worker(0), 4);
    world->advance(5s);
    EXPECT_TRUE(worker(1).killed());
    world->crash(worker(1));
    EXPECT_EQ(world->scheduler.outstanding(), 0U);
    std::map<std::string, int> phases;
    for (std::uint32_t i = 0; i < 20; ++i) {
        EXPECT_EQ(kind(1, i), OutcomeKind::cancelled);
        ++phases[document(1, i)["phase"].get<std::string>()];
    }
    EXPECT_EQ(phases["running"], 2);
    EXPECT_EQ(phases["waiting"], 18);
}

}  // namespace
}  // namespace caisson::dispatch
