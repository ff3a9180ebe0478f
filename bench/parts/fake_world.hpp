// SPDX-License-Identifier: Apache-2.0
/// Around the scheduler: two workers that answer at once, a clock that stands still, a caller that counts. As little as
/// possible, so that what is counted is the scheduler's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/scheduler.hpp"
#include "wire/records.hpp"

namespace bench::parts {

using namespace caisson;

/// Takes everything and has nothing any more when it is asked.
class Hand final : public fleet::Hand {
   public:
    [[nodiscard]] std::uint32_t room() const override { return most - static_cast<std::uint32_t>(items_); }
    [[nodiscard]] std::size_t held() const override { return items_; }
    [[nodiscard]] bool running(fleet::CallToken) const override { return false; }
    void cancel(fleet::CallToken) override {}
    [[nodiscard]] std::vector<fleet::Part> take_back() override { return {}; }
    void kill(fleet::Exit::Kind, std::string) override {}
    void listen(bool) override {}
    [[nodiscard]] std::uint32_t id() const override { return 1; }
    [[nodiscard]] pid_t pid() const override { return 1; }

    void take(fleet::CallToken call, std::uint32_t items) {
        parts_.push_back({call, items});
        items_ += items;
    }
    [[nodiscard]] std::vector<fleet::Part>& give_back() {
        items_ = 0;
        return parts_;
    }

   private:
    static constexpr std::uint32_t most = 256;
    std::vector<fleet::Part> parts_;
    std::size_t items_ = 0;
};

class Hands final : public fleet::Hands {
   public:
    explicit Hands(settings::Pool settings) : settings_(std::move(settings)) {
        auto info = fleet::PluginInfo::parse(
            R"({"name":"math","version":"1","abi":"1.0","methods":[
                {"name":"square","help":"","input":"int64","output":"int64","idempotent":true}]})");
        info_ = std::make_shared<const fleet::PluginInfo>(std::move(info.value()));
    }
    void find_room(std::vector<fleet::Hand*>& with_room, std::size_t) override {
        for (Hand& hand : list) with_room.push_back(&hand);
    }
    [[nodiscard]] fleet::Given give(fleet::Hand& hand, fleet::CallToken call, const fleet::Work& work) override {
        static_cast<Hand&>(hand).take(call, work.items == 0 ? 1 : work.items);
        return fleet::Given::taken;
    }
    [[nodiscard]] std::vector<fleet::Part> take_back_stuck() override { return {}; }
    void note_waiting(const fleet::Waiting&) override {}
    void rest() override {}
    void stop(TimePoint) override {}
    [[nodiscard]] const settings::Pool& settings() const override { return settings_; }
    [[nodiscard]] fleet::CrewState state() const override { return fleet::CrewState::ready; }
    [[nodiscard]] const std::string& reason() const override { return reason_; }
    [[nodiscard]] std::uint32_t target() const override { return static_cast<std::uint32_t>(list.size()); }
    [[nodiscard]] std::uint32_t ready_workers() const override { return target(); }
    [[nodiscard]] const std::shared_ptr<const fleet::PluginInfo>& info() const override { return info_; }

    std::vector<Hand> list = std::vector<Hand>(2);

   private:
    settings::Pool settings_;
    std::string reason_;
    std::shared_ptr<const fleet::PluginInfo> info_;
};

/// The scheduler and everything that it has to do with.
class World final : private dispatch::Port, private dispatch::Receiver {
   public:
    World() : hands_(pool()), scheduler_(*this, 42) { scheduler_.add_pool("math", hands_); }

    void submit(std::uint64_t id, std::span<const std::byte> body, std::uint32_t items) {
        const dispatch::Request request{
            .pool = "math", .method = "square", .body = body, .encoding = wire::Encoding::packed, .items = items};
        static_cast<void>(scheduler_.submit(request, *this, id));
    }
    /// Turns of the loop until everything has its answer.
    void settle() {
        while (std::exchange(turn_wanted_, false)) {
            scheduler_.turn();
            for (Hand& hand : hands_.list) answer_all(hand);
        }
    }
    /// Items that have had their outcome.
    [[nodiscard]] std::uint64_t told() const { return told_; }

   private:
    [[nodiscard]] static settings::Pool pool() {
        settings::Pool settings;
        settings.name = "math";
        return settings;
    }
    void answer_all(Hand& hand) {
        constexpr std::int64_t square = 144;
        fleet::Answer answer;
        answer.encoding = wire::Encoding::packed;
        answer.body = std::as_bytes(std::span{&square, 1});
        auto& parts = hand.give_back();
        for (const auto& part : parts)
            for (std::uint32_t item = 0; item < part.items; ++item) scheduler_.on_answer(hands_, part.call, answer);
        const bool had_some = !parts.empty();
        parts.clear();
        if (had_some) scheduler_.on_change(*scheduler_.find("math"));
    }

    [[nodiscard]] TimePoint now() const override { return TimePoint{std::chrono::hours{1}}; }
    [[nodiscard]] double chance() override { return 0.5; }
    [[nodiscard]] std::string wall_time() override { return {}; }
    void want_turn() override { turn_wanted_ = true; }
    void want_look(TimePoint) override {}
    std::string report(const fleet::Hands&, const fleet::Hand&, const fleet::Death&, const dispatch::Call*,
                       std::uint32_t, fleet::CallToken) override {
        return {};
    }
    void on_empty() override {}

    void on_chunk(std::uint64_t, wire::Encoding, std::span<const std::byte>) override {}
    void on_progress(std::uint64_t, double, std::string_view) override {}
    void on_outcome(std::uint64_t, dispatch::ItemRange items, const dispatch::Outcome&) override {
        told_ += items.count;
    }
    void on_room() override {}

    Hands hands_;
    dispatch::Scheduler scheduler_;
    bool turn_wanted_ = false;
    std::uint64_t told_ = 0;
};

}  // namespace bench::parts
