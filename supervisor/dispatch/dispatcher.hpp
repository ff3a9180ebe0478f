// SPDX-License-Identifier: Apache-2.0
/// The engine: the scheduler on a loop, with real workers, a real clock, and reports of their crashes.
///
/// Used on the loop's thread only. Calls come in through `submit`, results leave through the Receiver that a call
/// carries; nothing else flows back. docs/life_of_a_call.md follows one call through the files.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "dispatch/report_store.hpp"
#include "dispatch/request.hpp"
#include "dispatch/scheduler.hpp"
#include "dispatch/symbols.hpp"
#include "fleet/crew.hpp"
#include "fleet/keeper_link.hpp"
#include "settings/settings.hpp"

namespace caisson::dispatch {

class Dispatcher final : private fleet::Crew::Listener, private Port {
   public:
    struct Surroundings {
        Loop& loop;
        Log& log;
        std::filesystem::path program_dir;  ///< of caisson-keeper and its programs
        std::filesystem::path report_dir;   ///< empty: crash reports stay in memory
        std::uint32_t report_count = 100;
        const settings::Log& output_rules;
        fleet::Worker::OutputSink on_output = {};
        /// Libraries are read once, into memory that all workers load; new versions are tried before they are taken.
        bool images = false;
        /// A pool that was removed has gone. Called in a turn of its own.
        std::function<void(const std::string& pool)> on_gone = {};
        /// A pool's state changed, or one of its workers ended (then with its death). Must not remove pools.
        std::function<void(fleet::Crew& crew, const fleet::Death* death)> on_change = {};
    };
    explicit Dispatcher(Surroundings surroundings);
    ~Dispatcher();

    // Pools.
    void add_pool(const settings::Pool& settings);
    /// Takes new settings for a pool that is there.
    void apply(const settings::Pool& settings);
    /// Lets a pool finish what it has, then forgets it. New calls are refused.
    void remove_pool(std::string_view name);
    /// Files of libraries may have changed.
    void look_at_libraries();
    [[nodiscard]] Pool* find(std::string_view name) { return scheduler_.find(name); }
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Pool>, std::less<>>& pools() const {
        return scheduler_.pools();
    }
    /// The workers of a pool that is there.
    [[nodiscard]] fleet::Crew& crew(std::string_view pool) const;

    // Calls.
    /// Takes a call or batch. What cannot be done is refused with an outcome from inside this function (0 is returned).
    /// Nothing is returned if the queue is full and its pool lets callers wait: ask again after `on_room`.
    [[nodiscard]] std::optional<Handle> submit(const Request& request, Receiver& receiver, std::uint64_t receiver_id) {
        return scheduler_.submit(request, receiver, receiver_id);
    }
    /// Ends a call or what is left of a batch early. The outcomes still come.
    void cancel(Handle handle) { scheduler_.cancel(handle); }
    /// The receiver goes: nobody waits for this call or batch any more. It is cancelled, unless its request said
    /// `keep`.
    void abandon(Handle handle) { scheduler_.abandon(handle); }
    /// The receiver goes, or is done: forgets that it waits for room. All its calls must have ended or be abandoned.
    void forget(Receiver& receiver) { scheduler_.forget(receiver); }
    /// While a receiver is held, nothing of its is begun, for it does not take what it has got.
    void hold(Receiver& receiver, bool held) { scheduler_.hold(receiver, held); }
    /// While a call is held back, its worker is not listened to: it waits when it has written a little more. For a
    /// receiver that does not take the pieces of a streaming call.
    void hold_stream(Handle handle, bool held) { scheduler_.hold_stream(handle, held); }
    /// Calls and batches (and parts of them that went different ways) that have no outcome yet.
    [[nodiscard]] std::size_t outstanding() const { return scheduler_.outstanding(); }

    // Measures.
    /// Closes the seconds that are over, so that rates and latencies are of now.
    void measure_now() { scheduler_.measure_now(); }
    /// Calls that were refused before they came to a pool, by the word of the reason.
    [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& refused() const {
        return scheduler_.refused();
    }

    // For another process that takes the place of this one.
    /// What is known of poison, and what the pools were told by operators: their sizes, and to drain.
    [[nodiscard]] nlohmann::json save() const;
    /// Takes over what another has saved.
    void load(const nlohmann::json& saved);
    /// Looks for crash reports that another has written meanwhile.
    void find_reports() { reports_.read_again(); }

    // Poison.
    [[nodiscard]] nlohmann::json poison() const;
    /// Forgets one, by a prefix of its id, or all of one pool, or all; how many.
    std::size_t clear_poison(std::string_view id, std::string_view pool);

    /// Takes no more calls, lets the accepted ones finish until `drain_until`, then stops every worker by the ladder
    /// and calls back. A second call with an earlier time wins.
    void stop(TimePoint drain_until, std::function<void()> done);
    [[nodiscard]] bool stopping() const { return scheduler_.stopping(); }

    [[nodiscard]] const ReportStore& reports() const { return reports_; }
    /// The one child process of the engine; 0 if it has none yet.
    [[nodiscard]] pid_t keeper_pid() const { return keeper_.pid(); }

   private:
    // From the crews.
    void on_room(fleet::Crew& crew) override;
    void on_chunk(CallToken token, wire::Encoding encoding, std::span<const std::byte> bytes) override;
    void on_progress(CallToken token, double fraction, std::string_view note) override;
    void on_answer(fleet::Crew& crew, CallToken token, const fleet::Answer& answer) override;
    void on_death(fleet::Crew& crew, fleet::Worker& worker, const fleet::Death& death) override;
    void on_state(fleet::Crew& crew) override;

    // For the scheduler.
    [[nodiscard]] TimePoint now() const override { return Clock::now(); }
    [[nodiscard]] double chance() override { return std::uniform_real_distribution<double>{0, 1}(chance_); }
    [[nodiscard]] std::string wall_time() override;
    void want_turn() override;
    void want_look(TimePoint when) override;
    std::string report(const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death, const Call* call,
                       std::uint32_t max_attempts, CallToken token) override;
    void on_empty() override;

    static void load_pool(fleet::Crew& crew, const nlohmann::json& saved);
    void forget_pool(const std::string& name);
    void stop_crews();
    void check_stopped();

    Surroundings around_;
    fleet::KeeperLink keeper_;
    std::optional<fleet::Librarian> librarian_;
    ReportStore reports_;
    Symbols symbols_;
    std::minstd_rand chance_{std::random_device{}()};
    Scheduler scheduler_;
    std::map<std::string, std::unique_ptr<fleet::Crew>, std::less<>> crews_;
    Loop::Timer look_timer_;

    bool crews_stopped_ = false;
    TimePoint drain_until_ = TimePoint::max();
    Loop::Timer drain_timer_;
    std::function<void()> stopped_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::dispatch
