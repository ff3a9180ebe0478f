// SPDX-License-Identifier: Apache-2.0
#include "unit/dispatch/model.hpp"

#include <cstring>

#include "wire/records.hpp"

namespace caisson::dispatch::model {
namespace {

constexpr std::uint32_t status_ok = 0;

std::shared_ptr<const fleet::PluginInfo> plugin() {
    auto info = fleet::PluginInfo::parse(
        R"({"name":"model","version":"1","abi":"1.0","methods":[
            {"name":"plain","help":"","input":"bytes","output":"bytes","idempotent":false},
            {"name":"again","help":"","input":"bytes","output":"bytes","idempotent":true}]})");
    return std::make_shared<const fleet::PluginInfo>(std::move(info.value()));
}

}  // namespace

std::vector<std::byte> body_of(Item item) {
    std::vector<std::byte> body(sizeof item.first + sizeof item.second);
    std::memcpy(body.data(), &item.first, sizeof item.first);
    std::memcpy(body.data() + sizeof item.first, &item.second, sizeof item.second);
    return body;
}

Item item_of(std::span<const std::byte> body) {
    Item item;
    std::memcpy(&item.first, body.data(), sizeof item.first);
    std::memcpy(&item.second, body.data() + sizeof item.first, sizeof item.second);
    return item;
}

// ---- workers --------------------------------------------------------------------------------------------------------

std::uint32_t Worker::room() const {
    if (killed() || draining_ || stuck_ || held_.size() >= credit_) return 0;
    return credit_ - static_cast<std::uint32_t>(held_.size());
}

// As the claim word says it: everything up to the last claimed item has been started.
bool Worker::running(CallToken call) const { return claimed_ > 0 && held_.front().call == call; }

void Worker::cancel(CallToken call) { cancelled_.insert(call); }

bool Worker::asked_to_give_up() const { return runs() && cancelled_.contains(held_.front().call); }

std::vector<fleet::Part> Worker::take_back() {
    std::vector<fleet::Part> back;
    while (held_.size() > claimed_) {
        const auto call = held_.back().call;
        held_.pop_back();
        if (!back.empty() && back.back().call == call)
            ++back.back().items;
        else
            back.push_back({call, 1});
    }
    return {back.rbegin(), back.rend()};
}

void Worker::take(CallToken call, const fleet::Work& work) {
    if (work.items == 0) {
        held_.push_back({call, item_of(work.body)});
        return;
    }
    for (wire::RecordReader records{work.body}; const auto record = records.next();)
        held_.push_back({call, item_of(*record)});
}

bool Worker::start() {
    if (claimed_ > 0 || held_.empty()) return false;
    claimed_ = 1;
    ++ledger_.starts[held_.front().item];
    return true;
}

std::pair<CallToken, Item> Worker::end() {
    const auto front = held_.front();
    held_.pop_front();
    claimed_ = 0;
    return {front.call, front.item};
}

fleet::Death Worker::die() {
    fleet::Death death{.exit = {},
                       .pid = pid(),
                       .started = {},
                       .unstarted = {},
                       .output = {},
                       .was_serving = true,
                       .intended = draining_};
    death.exit.kind = killed() ? fleet::Exit::Kind::killed : fleet::Exit::Kind::signaled;
    death.exit.signal = 11;
    if (claimed_ > 0) death.started.push_back({held_.front().call, 1});
    death.unstarted = take_back();
    held_.clear();
    claimed_ = 0;
    return death;
}

Workers::Workers(Ledger& ledger, settings::Pool settings)
    : ledger_(ledger), settings_(std::move(settings)), info_(plugin()) {}

void Workers::add(std::uint32_t credit) { list.push_back(std::make_unique<Worker>(ledger_, next_id_++, credit)); }

void Workers::remove(Worker& worker) {
    std::erase_if(list, [&](const auto& one) { return one.get() == &worker; });
}

void Workers::find_room(std::vector<fleet::Hand*>& with_room, std::size_t) {
    for (const auto& worker : list)
        if (worker->room() > 0) with_room.push_back(worker.get());
}

fleet::Given Workers::give(fleet::Hand& hand, CallToken call, const fleet::Work& work) {
    static_cast<Worker&>(hand).take(call, work);
    return fleet::Given::taken;
}

std::vector<fleet::Part> Workers::take_back_stuck() {
    std::vector<fleet::Part> back;
    for (const auto& worker : list)
        if (worker->held() > 1)
            for (const auto& part : worker->take_back()) back.push_back(part);
    return back;
}

// ---- the world ------------------------------------------------------------------------------------------------------

World::World(settings::Pool settings, std::uint32_t count, std::uint32_t credit)
    : workers(ledger, std::move(settings)), scheduler(*this, 42) {
    scheduler.add_pool(workers.name(), workers);
    for (std::uint32_t i = 0; i < count; ++i) workers.add(credit);
}

std::string World::report(const fleet::Hands&, const fleet::Hand&, const fleet::Death&, const Call*, std::uint32_t,
                          CallToken token) {
    if (token != 0) reports_.push_back(token);
    return "R" + std::to_string(next_report_++);
}

void World::settle() {
    while (std::exchange(turn_wanted_, false)) scheduler.turn();
}

void World::advance(Duration by) {
    const auto until = now_ + by;
    while (look_at_ && *look_at_ <= until) {
        now_ = std::max(now_, *look_at_);
        look_at_.reset();
        scheduler.look();
        settle();
    }
    now_ = until;
}

void World::answer(Worker& worker, std::uint32_t status, bool started) {
    const auto [call, item] = worker.end();
    const auto body = body_of(item);
    scheduler.on_answer(workers, call,
                        {.status = status,
                         .started = started,
                         .error = status == status_ok ? "" : "as asked",
                         .encoding = wire::Encoding::bytes,
                         .body = body,
                         .at = now_,
                         .run_ns = std::chrono::nanoseconds{run_time}.count()});
}

void World::crash(Worker& worker) {
    const auto death = worker.die();
    scheduler.on_death(workers, worker, death);
    workers.remove(worker);
    if (!death.intended) workers.add(4);
    scheduler.on_change(*scheduler.find(workers.name()));
}

void World::deliver_reports() {
    for (const auto token : std::exchange(reports_, {}))
        scheduler.reported(token, {{"outcome", "crashed"}, {"message", "as asked"}});
}

bool World::finish() {
    for (int i = 0; i < 5000; ++i) {
        settle();
        deliver_reports();
        bool worked = false;
        for (std::size_t w = 0; w < workers.list.size(); ++w) {
            auto& worker = *workers.list[w];
            if (worker.killed() || (worker.draining() && worker.held() == 0)) {
                crash(worker);
                worked = true;
                break;
            }
            if (worker.runs() || worker.start()) {
                answer(worker, status_ok);
                worked = true;
            }
        }
        settle();
        deliver_reports();
        if (scheduler.outstanding() == 0) return true;
        if (!worked) {
            if (workers.list.empty()) workers.add(4);
            scheduler.on_change(*scheduler.find(workers.name()));
            advance(std::chrono::milliseconds{100});
        }
    }
    return false;
}

void Caller::on_outcome(std::uint64_t id, ItemRange items, const Outcome& outcome) {
    for (std::uint32_t i = 0; i < items.count; ++i) {
        const Item item{id, items.first + i};
        ledger_.outcomes[item].push_back({.kind = outcome.kind, .attempts = outcome.attempts});
        ledger_.documents[item] = outcome.json;
        // The answer is the item itself: a result that went to another would be seen here.
        if (outcome.kind == OutcomeKind::ok && item_of(outcome.body) != item)
            ledger_.documents[item] = "an answer to another item";
    }
}

}  // namespace caisson::dispatch::model
