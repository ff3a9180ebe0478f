// SPDX-License-Identifier: Apache-2.0
/// The engine: takes calls for all pools, gives them to workers, and sees to it that each gets exactly one outcome.
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
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/loop.hpp"
#include "dispatch/call.hpp"
#include "dispatch/deadline_wheel.hpp"
#include "dispatch/report_store.hpp"
#include "dispatch/symbols.hpp"
#include "fleet/crew.hpp"
#include "fleet/keeper_link.hpp"
#include "settings/settings.hpp"

namespace caisson::dispatch {

/// A call as it is asked for. Views live for `submit` only; the bytes are copied.
struct Request {
    std::string_view pool;
    std::string_view method;
    std::string_view params;
    std::span<const std::byte> body;
    wire::Encoding encoding = wire::Encoding::bytes;
    std::optional<Duration> timeout = {};  ///< empty: the pool's; zero: none
};

/// Calls by how they ended; a row of `status`.
struct Counters {
    std::uint64_t by_outcome[wire::outcome_words.size()] = {};
};

/// A crew, the calls that wait for it, and what became of those before.
struct Pool {
    std::unique_ptr<fleet::Crew> crew;
    CallQueue queue;
    std::size_t running = 0;  ///< calls that a worker holds, or whose report is being made
    Counters counters;
    bool pump_due = false;
    bool removed = false;  ///< no longer in the settings: it drains, then goes
};

class Dispatcher final : private fleet::Crew::Listener {
   public:
    struct Surroundings {
        Loop& loop;
        Log& log;
        std::filesystem::path program_dir;  ///< of caisson-keeper and its programs
        std::filesystem::path report_dir;   ///< empty: crash reports stay in memory
        std::uint32_t report_count = 100;
        const settings::Log& output_rules;
    };
    explicit Dispatcher(Surroundings surroundings);
    ~Dispatcher();

    // Pools.
    void add_pool(const settings::Pool& settings);
    /// Takes new settings for a pool that is there.
    void apply(const settings::Pool& settings);
    /// Lets a pool finish what it has, then forgets it. New calls are refused.
    void remove_pool(std::string_view name);
    [[nodiscard]] Pool* find(std::string_view name);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Pool>, std::less<>>& pools() const { return pools_; }

    // Calls.
    /// Takes a call, or refuses it with an outcome from inside this function and returns 0.
    CallToken submit(const Request& request, Receiver& receiver, std::uint64_t receiver_id);
    /// Ends a call early. Its outcome still comes, unless it is `abandon`ed: then nobody waits for it any more.
    void cancel(CallToken token);
    void abandon(CallToken token);
    [[nodiscard]] std::size_t outstanding() const { return calls_.size(); }

    /// Takes no more calls, lets the accepted ones finish until `drain_until`, then stops every worker by the ladder
    /// and calls back. A second call with an earlier time wins.
    void stop(TimePoint drain_until, std::function<void()> done);
    [[nodiscard]] bool stopping() const { return stopping_; }

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

    // Giving.
    void pump_later(Pool& pool);
    void pump(Pool& pool);
    void give(Pool& pool, fleet::Worker& worker, Call& call);
    void requeue(const std::vector<CallToken>& oldest_first);

    // Ending.
    void set_deadline(Call& call, TimePoint due);
    void look_at_deadlines(TimePoint when);
    void on_deadline(Call& call);
    void end_early(Call& call, Ending why);
    void finish(Call& call, const Outcome& outcome);
    void finish_with(Call& call, OutcomeKind kind, const nlohmann::json& document);
    void finish_ended(Call& call, bool ran, const fleet::Exit* exit);
    void report_death(fleet::Crew& crew, fleet::Worker& worker, const fleet::Death& death, Call* call);
    void refuse_queue(Pool& pool);
    void cancel_queue(Pool& pool);

    // Refusing.
    [[nodiscard]] std::optional<nlohmann::json> reason_to_refuse(const Request& request, Pool* pool) const;
    static void refuse(Pool* pool, Receiver& receiver, std::uint64_t id, const nlohmann::json& document);

    void stop_crews(TimePoint drain_until);
    void check_stopped();

    Surroundings around_;
    fleet::KeeperLink keeper_;
    ReportStore reports_;
    Symbols symbols_;
    CallTable calls_;
    std::uint64_t next_number_ = 1;
    DeadlineWheel wheel_;
    Loop::Timer deadline_timer_;
    TimePoint deadline_look_{};  // when it goes off
    std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools_;

    bool stopping_ = false;
    bool crews_stopped_ = false;
    TimePoint drain_until_ = TimePoint::max();
    Loop::Timer drain_timer_;
    std::function<void()> stopped_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::dispatch
