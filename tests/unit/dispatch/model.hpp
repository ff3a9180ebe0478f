// SPDX-License-Identifier: Apache-2.0
/// A world for the scheduler in which a test says what happens next: workers that start, answer and die on command, a
/// clock that stands still, callers that write down what they are told.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/scheduler.hpp"

namespace caisson::dispatch::model {

/// One item of one submission. It is also what a body says, so that workers know what they run.
using Item = std::pair<std::uint64_t, std::uint32_t>;

[[nodiscard]] std::vector<std::byte> body_of(Item item);
[[nodiscard]] Item item_of(std::span<const std::byte> body);

/// What has been seen of the items.
struct Ledger {
    std::map<Item, std::uint32_t> starts;
    std::map<Item, std::vector<Outcome>> outcomes;  // without their views
    std::map<Item, std::string> documents;
};

class Worker final : public fleet::Hand {
   public:
    Worker(Ledger& ledger, std::uint32_t id, std::uint32_t credit) : ledger_(ledger), id_(id), credit_(credit) {}

    [[nodiscard]] std::uint32_t room() const override;
    [[nodiscard]] std::size_t held() const override { return held_.size(); }
    [[nodiscard]] bool running(CallToken call) const override;
    void cancel(CallToken call) override;
    [[nodiscard]] std::vector<fleet::Part> take_back() override;
    void kill(fleet::Exit::Kind, std::string why) override { killed_ = std::move(why); }
    void listen(bool) override {}
    [[nodiscard]] std::uint32_t id() const override { return id_; }
    [[nodiscard]] pid_t pid() const override { return static_cast<pid_t>(1000 + id_); }

    void take(CallToken call, const fleet::Work& work);
    /// Starts the next item, if none runs. False if there is none.
    bool start();
    [[nodiscard]] bool runs() const { return claimed_ > 0; }
    [[nodiscard]] bool asked_to_give_up() const;
    [[nodiscard]] bool killed() const { return !killed_.empty(); }
    void drain() { draining_ = true; }
    /// It has been silent: nothing more is put behind what it runs.
    void get_stuck() { stuck_ = true; }
    [[nodiscard]] bool draining() const { return draining_; }
    /// The item that runs ends; its token.
    [[nodiscard]] std::pair<CallToken, Item> end();
    [[nodiscard]] fleet::Death die();

   private:
    struct Held {
        CallToken call;
        Item item;
    };
    Ledger& ledger_;
    std::uint32_t id_;
    std::uint32_t credit_;
    std::deque<Held> held_;    // an entry for each item
    std::size_t claimed_ = 0;  // 1 if the front item runs
    std::set<CallToken> cancelled_;
    std::string killed_;
    bool draining_ = false;
    bool stuck_ = false;
};

class Workers final : public fleet::Hands {
   public:
    Workers(Ledger& ledger, settings::Pool settings);

    void find_room(std::vector<fleet::Hand*>& with_room, std::size_t calls) override;
    [[nodiscard]] fleet::Given give(fleet::Hand& hand, CallToken call, const fleet::Work& work) override;
    [[nodiscard]] std::vector<fleet::Part> take_back_stuck() override;
    void stop(TimePoint) override { state_ = fleet::CrewState::stopping; }
    void note_waiting(const fleet::Waiting&) override {}
    void rest() override { state_ = fleet::CrewState::drained; }
    [[nodiscard]] const settings::Pool& settings() const override { return settings_; }
    [[nodiscard]] fleet::CrewState state() const override { return state_; }
    [[nodiscard]] const std::string& reason() const override { return reason_; }
    [[nodiscard]] std::uint32_t target() const override { return static_cast<std::uint32_t>(list.size()); }
    [[nodiscard]] std::uint32_t ready_workers() const override { return target(); }
    [[nodiscard]] const std::shared_ptr<const fleet::PluginInfo>& info() const override { return info_; }

    void set_state(fleet::CrewState state) { state_ = state; }
    void add(std::uint32_t credit);
    void remove(Worker& worker);

    std::vector<std::unique_ptr<Worker>> list;

   private:
    Ledger& ledger_;
    settings::Pool settings_;
    fleet::CrewState state_ = fleet::CrewState::ready;
    std::string reason_;
    std::shared_ptr<const fleet::PluginInfo> info_;
    std::uint32_t next_id_ = 1;
};

class World final : public Port {
   public:
    explicit World(settings::Pool settings, std::uint32_t workers = 2, std::uint32_t credit = 4);

    // As the scheduler's port.
    [[nodiscard]] TimePoint now() const override { return now_; }
    [[nodiscard]] double chance() override { return 0.5; }
    [[nodiscard]] std::string wall_time() override { return "2026-01-01T00:00:00.000Z"; }
    void want_turn() override { turn_wanted_ = true; }
    void want_look(TimePoint when) override { look_at_ = when; }
    std::string report(const fleet::Hands&, const fleet::Hand&, const fleet::Death&, const Call*, std::uint32_t,
                       CallToken token) override;
    void on_empty() override {}

    /// Runs what the scheduler asked for, until it asks for nothing more.
    void settle();
    void advance(Duration by);
    /// How long an item says that it ran.
    static constexpr auto run_time = std::chrono::milliseconds{1};
    /// The item that runs ends with this status.
    void answer(Worker& worker, std::uint32_t status, bool started = true);
    void crash(Worker& worker);
    void deliver_reports();
    /// Lets every worker work until nothing is left; false if something is after very many steps.
    bool finish();

   private:
    // Before the scheduler, which asks for the time as soon as it is there.
    TimePoint now_{std::chrono::hours{1}};
    bool turn_wanted_ = false;
    std::optional<TimePoint> look_at_;
    std::vector<CallToken> reports_;
    std::uint64_t next_report_ = 1;

   public:
    Ledger ledger;
    Workers workers;
    Scheduler scheduler;
};

/// A caller that checks and notes what it is told.
class Caller final : public Receiver {
   public:
    explicit Caller(Ledger& ledger) : ledger_(ledger) {}
    void on_chunk(std::uint64_t, wire::Encoding, std::span<const std::byte>) override {}
    void on_progress(std::uint64_t, double, std::string_view) override {}
    void on_outcome(std::uint64_t id, ItemRange items, const Outcome& outcome) override;
    void on_room() override { ++rooms; }
    int rooms = 0;

   private:
    Ledger& ledger_;
};

}  // namespace caisson::dispatch::model
