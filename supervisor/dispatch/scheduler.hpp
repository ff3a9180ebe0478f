// SPDX-License-Identifier: Apache-2.0
/// Decides: which call goes to which worker and when, when one is given up, tried again or refused; and sees to it that
/// each item of each call or batch gets exactly one outcome.
///
/// It does nothing by itself. Time, workers (fleet::Hands) and everything that takes long (Port) are given to it, so
/// that a test can play any order of events. dispatch::Dispatcher puts it on a loop with real workers.
///
///     submit -> queued -> held -> outcome          on_answer, on_death, on_deadline, cancel
///                 ^         |
///                 +-- resting <- its attempt failed, and it may be tried again
///
/// Used on one thread. Receivers may call back into it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dispatch/call.hpp"
#include "dispatch/call_queue.hpp"
#include "dispatch/deadline_wheel.hpp"
#include "dispatch/measures.hpp"
#include "dispatch/poison.hpp"
#include "dispatch/request.hpp"
#include "fleet/hands.hpp"

namespace caisson::dispatch {

/// Calls by how they ended; a row of `status`.
struct Counters {
    OutcomeCounts by_outcome{};
    std::uint64_t retries = 0;
};

/// The workers of a plugin, the calls that wait for them, and what became of those before.
struct Pool {
    fleet::Hands* hands = nullptr;
    CallQueue queue;
    MethodNames names;
    std::size_t running = 0;  ///< items that a worker holds, or whose report is being made
    std::size_t resting = 0;  ///< items that wait for their next attempt
    Counters counters;
    Measures measures;
    std::unordered_set<Receiver*> waiting;  ///< callers that were told that the queue is full
    bool due = false;                       ///< to be looked at in the next turn
    bool removed = false;                   ///< no longer in the settings: it drains, then goes
};

/// What the scheduler needs of the world.
class Port {
   public:
    [[nodiscard]] virtual TimePoint now() const = 0;
    /// A random number from 0 to 1.
    [[nodiscard]] virtual double chance() = 0;
    /// The time of the wall clock, for people.
    [[nodiscard]] virtual std::string wall_time() = 0;
    /// Asks for `turn`, soon and once.
    virtual void want_turn() = 0;
    /// Asks for `look` at this time. A later wish replaces an earlier one.
    virtual void want_look(TimePoint when) = 0;
    /// Makes a crash report, of which the id is returned at once. If `token` is not 0, its document goes to `reported`,
    /// now or later. `call` is null if none ran.
    virtual std::string report(const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death,
                               const Call* call, std::uint32_t max_attempts, CallToken token) = 0;
    /// The last call got its outcome.
    virtual void on_empty() = 0;

   protected:
    ~Port() = default;
};

class Scheduler {
   public:
    Scheduler(Port& port, std::uint64_t secret);

    // Pools.
    void add_pool(const std::string& name, fleet::Hands& hands);
    /// The pool takes no more calls; when it has none, its hands are stopped.
    void remove_pool(Pool& pool);
    /// Forgets a pool without calls.
    void erase_pool(std::string_view name);
    [[nodiscard]] Pool* find(std::string_view name);
    [[nodiscard]] const std::map<std::string, std::unique_ptr<Pool>, std::less<>>& pools() const { return pools_; }

    // From callers; see Dispatcher.
    [[nodiscard]] std::optional<Handle> submit(const Request& request, Receiver& receiver, std::uint64_t receiver_id);
    void cancel(Handle handle);
    void abandon(Handle handle);
    void forget(Receiver& receiver);
    void hold(Receiver& receiver, bool held);
    void hold_stream(Handle handle, bool held);
    [[nodiscard]] std::size_t outstanding() const { return calls_.size(); }
    /// Calls that were refused before they came to a pool, by the word of the reason.
    [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& refused() const { return refused_; }
    /// Closes the seconds that are over, so that rates and latencies are of now.
    void measure_now();
    [[nodiscard]] PoisonTable& poison() { return poison_; }
    [[nodiscard]] const PoisonTable& poison() const { return poison_; }

    // From workers.
    void on_chunk(CallToken token, wire::Encoding encoding, std::span<const std::byte> bytes);
    void on_progress(CallToken token, double fraction, std::string_view note);
    void on_answer(const fleet::Hands& hands, CallToken token, const fleet::Answer& answer);
    void on_death(const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death);
    /// Somebody has room, or the state of the pool changed.
    void on_change(Pool& pool);

    // From the port.
    void turn();
    void look();
    void reported(CallToken token, const nlohmann::json& document);

    /// Takes no more calls; those that are here may end.
    void stop() { stopping_ = true; }
    /// Ends what waits; what runs is for the hands to stop.
    void cancel_waiting();
    [[nodiscard]] bool stopping() const { return stopping_; }

   private:
    // Accepting.
    [[nodiscard]] std::optional<nlohmann::json> reason_to_refuse(const Request& request, Pool* pool) const;
    [[nodiscard]] std::optional<nlohmann::json> reason_of_poison(const Request& request, const Pool& pool) const;
    [[nodiscard]] static std::optional<nlohmann::json> no_room(const Request& request, const Pool& pool);
    void refuse(Pool* pool, Receiver& receiver, std::uint64_t id, ItemRange items, const nlohmann::json& document);
    void count_refusal(Pool* pool, std::uint32_t items, const nlohmann::json& document);
    static void set_input(Call& call, const Request& request, Fd memory);
    [[nodiscard]] Call& make_call(const Request& request, Pool& pool, Receiver& receiver, std::uint64_t receiver_id);
    [[nodiscard]] Handle make_batch(const Request& request, Call& call);
    void refuse_poisoned_items(const Batch& batch);
    void enqueue(Call& call);

    // Giving.
    void pump(Pool& pool);
    void give_share(Pool& pool, fleet::Hand& hand, std::size_t most);
    [[nodiscard]] std::size_t give(Pool& pool, fleet::Hand& hand, Call& call, std::size_t most);
    void requeue(const std::vector<fleet::Part>& oldest_first);
    void tell_room(Pool& pool);

    // Deadlines.
    void set_deadline(Call& call, TimePoint due);
    void on_deadline(Call& call);
    void end_early(Call& call, Ending why);

    // Measuring.
    static void measure(Call& call, const fleet::Answer& answer);
    static void count_answered(Call& call);
    static void measure_answered(Call& call, std::uint32_t items, std::int64_t run_ns, TimePoint at);
    /// Null if its pool has no such method: a caller may ask for any name as long as no worker was ready.
    [[nodiscard]] static MethodMeasures* measures_of(const Call& call) {
        auto* const known = call.name.measures();
        return known != nullptr ? known : find_measures(call);
    }
    [[nodiscard]] static MethodMeasures* find_measures(const Call& call);
    void count_end(Call& call, OutcomeKind kind);

    // Ending.
    void fail(Call& call, const fleet::Hands& hands, const fleet::Answer& answer);
    void crash(Call& call, const fleet::Hands& hands, const fleet::Hand& hand, const fleet::Death& death);
    [[nodiscard]] bool may_retry(const Call& call, settings::RetryCause cause) const;
    void rest(Call& call, settings::RetryCause cause);
    void wake(Call& call);
    void finish(Call& call, const Outcome& outcome);
    void finish_items(Call& call, std::uint32_t items, const Outcome& outcome);
    void finish_with(Call& call, OutcomeKind kind, nlohmann::json document);
    void finish_ended(Call& call, bool ran, const fleet::Exit* exit);
    void end_queue(Pool& pool);

    [[nodiscard]] std::vector<CallToken> records_of(Handle handle);
    [[nodiscard]] std::uint32_t max_attempts(const Call& call) const;
    [[nodiscard]] nlohmann::json document_of(const Call& call, OutcomeKind kind) const;

    Port& port_;
    std::map<std::string, std::unique_ptr<Pool>, std::less<>> pools_;
    CallTable calls_;  // goes before the pools, whose names it has
    std::uint64_t next_number_ = 1;
    std::uint64_t next_batch_ = 1;
    std::unordered_map<Handle, Batch*> batches_;
    std::size_t large_payloads_ = 0;
    std::map<std::string, std::uint64_t, std::less<>> refused_;
    DeadlineWheel wheel_;
    TimePoint next_look_ = TimePoint::max();
    PoisonTable poison_;
    std::vector<Pool*> due_;
    std::vector<Pool*> looked_at_;      // of `turn`; keeps its memory
    std::vector<fleet::Hand*> takers_;  // of `pump`; keeps its memory
    bool stopping_ = false;
};

}  // namespace caisson::dispatch
