// SPDX-License-Identifier: Apache-2.0
/// The workers of one pool: as many as asked for, replaced when they end, and none when the breaker is open.
///
/// A crew has slots, numbered from 1; a slot has a worker, or waits for the time of its restart. Some of them are
/// spares: their workers are ready and get no calls. When a worker is lost, a spare takes its place at once, and what
/// replaces the lost one becomes the spare. What `Listener` hears is all that the dispatcher needs to know of
/// processes.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/limits.hpp"
#include "fleet/canary.hpp"
#include "fleet/elastic.hpp"
#include "fleet/hands.hpp"
#include "fleet/lifespan.hpp"
#include "fleet/restart_policy.hpp"
#include "fleet/roster.hpp"
#include "fleet/worker.hpp"

namespace caisson::fleet {

/// True if a worker that runs with `now` must be replaced to run with `next`, whatever library it has.
[[nodiscard]] bool needs_new_worker(const settings::Pool& now, const settings::Pool& next);

class Crew final : public Hands, private Worker::Owner {
   public:
    /// Called on the loop's thread; must not destroy the crew.
    class Listener {
       public:
        /// A worker of this crew can take calls, or can no longer.
        virtual void on_room(Crew& crew) = 0;
        virtual void on_chunk(CallToken call, wire::Encoding encoding, std::span<const std::byte> bytes) = 0;
        virtual void on_progress(CallToken call, double fraction, std::string_view note) = 0;
        virtual void on_answer(Crew& crew, CallToken call, const Answer& answer) = 0;
        virtual void on_death(Crew& crew, Worker& worker, const Death& death) = 0;
        /// The state changed; `reason` says why it is not ready.
        virtual void on_state(Crew& crew) = 0;

       protected:
        ~Listener() = default;
    };

    Crew(Worker::Surroundings surroundings, Listener& listener, settings::Pool pool);
    ~Crew();

    void start();
    /// Changes how many workers there are beside the spares; surplus ones finish their call first. It holds until
    /// `apply`, also where the number would follow the work.
    void resize(std::uint32_t workers);
    /// It was told its size, and follows neither its settings nor the work.
    [[nodiscard]] bool resized() const { return fixed_; }
    /// Begins with as many, if the number follows the work.
    void start_from(std::uint32_t workers);
    /// Takes new settings. What running workers were started with and is different rolls them one by one.
    void apply(const settings::Pool& pool);
    /// Stops every worker and starts no other; running calls may go on until `drain_until`.
    void stop(TimePoint drain_until) override;
    void rest() override;
    /// Closes the breaker and starts what is missing, at once. A version of the library that was rolled back may try
    /// again.
    void forgive();
    /// The file of the library may have changed: a new version is taken on trial. See crew_canary.cpp.
    void look_at_library();

    // Orders of an operator: crew_orders.cpp.
    /// No new calls, until `resume`. Those that are accepted are still served, then the workers rest.
    void drain();
    /// Takes calls again; what failed before is forgiven.
    void resume();
    /// It was told to drain, and not to resume.
    [[nodiscard]] bool drained() const { return state_ == CrewState::draining || state_ == CrewState::drained; }
    /// Replaces workers, of all slots or of one; closes the breaker. `now`: kills them, whatever they run. The numbers
    /// of those that are replaced.
    [[nodiscard]] Result<std::vector<std::uint32_t>> restart(std::optional<std::uint32_t> id, bool now);

    // As hands; see there.
    void find_room(std::vector<Hand*>& with_room, std::size_t calls) override;
    void note_waiting(const Waiting& waiting) override;
    [[nodiscard]] Given give(Hand& hand, CallToken call, const Work& work) override;
    [[nodiscard]] std::vector<Part> take_back_stuck() override;
    [[nodiscard]] const settings::Pool& settings() const override { return pool_; }
    [[nodiscard]] CrewState state() const override { return state_; }
    [[nodiscard]] const std::string& reason() const override { return reason_; }
    [[nodiscard]] TimePoint state_since() const { return state_since_; }
    [[nodiscard]] const RestartPolicy& policy() const { return policy_; }
    [[nodiscard]] std::uint32_t target() const override { return target_; }
    [[nodiscard]] std::uint32_t ready_workers() const override;
    [[nodiscard]] const std::shared_ptr<const PluginInfo>& info() const override { return info_; }

    [[nodiscard]] std::uint64_t restarts() const { return restarts_; }
    [[nodiscard]] std::uint64_t restarts(EndCause cause) const { return restarts_by_[static_cast<std::size_t>(cause)]; }
    /// Empty unless workers start by exec although `start` says zygote: why.
    [[nodiscard]] const std::string& no_zygote() const { return no_zygote_; }
    /// Null if there is none.
    [[nodiscard]] const Worker* zygote() const { return zygote_.get(); }

    /// What workers load; null before it was read, and if nobody reads libraries (Worker::Surroundings).
    [[nodiscard]] const LibraryRef& library() const { return library_; }
    /// Why the library's file cannot be read now; empty if it can.
    [[nodiscard]] const std::string& library_problem() const { return library_problem_; }

    /// What a slot is for. A canary tries a new version of the library beside the others. A successor takes the duty of
    /// the one that it replaces when it is ready; a leaving one goes with its worker.
    enum class Duty : std::uint8_t { working, spare, canary, successor, leaving };
    struct Slot {
        std::uint32_t id = 0;
        Duty duty = Duty::working;
        bool counted = false;               ///< its worker's end, ahead of it
        bool renewing = false;              ///< its successor starts; of one slot at a time
        EndCause why = EndCause::intended;  ///< it is started again, if it is
        std::unique_ptr<Worker> worker;     ///< empty: waiting
        Loop::Timer restart;
        /// Its worker can take calls, or could if it were no spare.
        [[nodiscard]] bool ready() const { return worker && worker->usable(); }
    };
    [[nodiscard]] const std::vector<std::unique_ptr<Slot>>& slots() const { return slots_; }

    /// A new version of the library, and how it does.
    struct Trial {
        LibraryRef library;
        Canary judge;
        Slot* slot = nullptr;
        bool takes_calls = false;  ///< it has all methods of the version that it is to replace
        TimePoint since{};
    };
    [[nodiscard]] const std::optional<Trial>& trial() const { return trial_; }
    /// The version that was rolled back last, unless another has come since.
    struct Refused {
        LibraryRef library;
        std::string why;
    };
    [[nodiscard]] const std::optional<Refused>& refused() const { return refused_; }

    /// Replaces the worker of a slot: it serves until its successor is ready, then finishes its calls and goes. One at
    /// a time; what cannot be done now is done later.
    void renew(Slot& slot, std::string why);
    /// All that there are now.
    void renew_all(const std::string& why);
    /// Why a worker must be replaced; empty if it need not, or cannot, for it serves nobody yet or leaves already.
    [[nodiscard]] std::string why_renew(const Slot& slot) const;

    /// The word of `status`: waiting, starting, idle, running, spare, stopping.
    [[nodiscard]] static std::string_view word_of(const Slot& slot);

   private:
    void on_worker_ready(Worker& worker) override;
    void on_worker_chunk(Worker& worker, CallToken call, wire::Encoding encoding,
                         std::span<const std::byte> bytes) override;
    void on_worker_progress(Worker& worker, CallToken call, double fraction, std::string_view note) override;
    void on_worker_answer(Worker& worker, CallToken call, const Answer& answer) override;
    void on_worker_room(Worker& worker) override { roster_.note(worker); }
    void on_worker_lost(Worker& worker) override;
    void on_worker_paused(Worker& worker, bool paused) override;
    void on_worker_death(Worker& worker, const Death& death) override;

    [[nodiscard]] std::uint32_t wanted(Duty duty) const { return duty == Duty::working ? target_ : pool_.spares; }
    void set_target(std::uint32_t workers);
    void fill();  // as many slots of each kind as are wanted
    void trim(Duty duty);
    void dismiss(Slot& slot);
    void drop_empty(std::optional<Duty> duty = {});
    Slot& add_slot(Duty duty);
    [[nodiscard]] Slot* find(Duty duty) const;
    void use_spares();
    void replace_early(Slot& slot);
    [[nodiscard]] Slot& slot_of(const Worker& worker) const;
    [[nodiscard]] double chance() { return std::uniform_real_distribution<double>{0, 1}(chance_); }
    void start_worker(Slot& slot);
    // The zygote: crew_zygote.cpp.
    [[nodiscard]] bool uses_zygote() const;
    [[nodiscard]] bool zygote_is_old() const;
    void want_zygote();
    void start_zygote();
    void start_waiting();
    void end_zygote();
    void on_zygote_death(const Death& death, EndCause cause);
    void give_up_zygote(const std::string& why);
    void schedule(Slot& slot, Duration delay);
    void count_restart(EndCause why);
    void quarantine(const std::string& why);
    void probe();
    // Size by need: crew_elastic.cpp.
    [[nodiscard]] bool is_elastic() const;
    [[nodiscard]] std::uint32_t first_target() const;
    void grow();
    void watch_idle();
    void shrink_idle();
    // Age and signs of life: crew_health.cpp.
    void look_at_life(Worker& worker);
    void watch_age();
    void recycle_old();
    void watch_pulse();
    void feel_pulse(Duration tick);
    // Renewal: crew_renew.cpp.
    void renew_next();
    [[nodiscard]] Slot* next_to_renew() const;
    void begin_renewal(Slot& old);
    [[nodiscard]] Slot* renewed() const;
    void succeed(Slot& successor);
    void inherit(Slot& old);
    void call_off_renewal();
    void retry_renewal(Duration delay);
    // The library and its versions: crew_canary.cpp.
    [[nodiscard]] bool waits_for_library() const { return around_.librarian != nullptr && !library_; }
    [[nodiscard]] bool has_old_library(const Worker& worker) const;
    [[nodiscard]] bool is_canary(const Worker& worker) const;
    void on_library(Result<LibraryRef> read);
    void on_no_library(const Error& error);
    void judge_library(const LibraryRef& next);
    void take_over(const LibraryRef& next);
    void start_trial(const LibraryRef& next);
    void end_trial();
    void on_canary_ready();
    void on_canary_answer(const Answer& answer);
    void on_canary_end(Slot& slot, EndCause cause, const std::string& how);
    [[nodiscard]] bool canary_hangs() const;
    void promote_if_proven();
    void roll_back(const std::string& why);
    void learn_methods(const Worker& worker);
    /// Nothing is started.
    [[nodiscard]] bool closed() const { return stopping_ || resting_; }
    void halt(TimePoint drain_until);
    [[nodiscard]] CrewEvent fact() const;
    void update_state();
    void enter(CrewEvent event);
    [[nodiscard]] std::vector<Worker*> holders(std::size_t least) const;
    void watch_silence();
    void look_at_silent();
    [[nodiscard]] EndCause cause_of(const Death& death) const;

    Worker::Surroundings around_;
    Listener& listener_;
    settings::Pool pool_;
    RestartPolicy policy_;
    std::uint32_t target_ = 0;
    CrewState state_ = CrewState::starting;
    TimePoint state_since_ = Clock::now();
    std::string reason_;
    std::string last_end_;  // how the last worker that ended unbidden did so
    bool stopping_ = false;
    bool resting_ = false;  // drained: nothing is started
    std::uint64_t restarts_ = 0;
    std::array<std::uint64_t, 4> restarts_by_{};  // cause
    std::shared_ptr<const PluginInfo> info_;
    std::vector<std::unique_ptr<Slot>> slots_;
    Roster roster_;  // of those that work
    LibraryRef library_;
    bool library_proven_ = false;  // a worker with it was ready
    bool reading_ = false;         // the librarian has been asked
    bool read_again_ = false;      // something happened meanwhile
    std::filesystem::path seen_path_;
    std::string seen_stamp_;  // of the file when it was read last
    std::string library_problem_;
    std::optional<Trial> trial_;
    std::optional<Refused> refused_;
    Duration library_delay_ = limits::library_retry;  // until it is read again, while somebody writes it
    Loop::Timer library_timer_;
    Loop::Timer canary_timer_;
    std::unique_ptr<Worker> zygote_;
    std::string zygote_stamp_;  // of the library that it has loaded, if nobody reads libraries
    std::string no_zygote_;
    Loop::Timer zygote_timer_;
    Loop::Timer probe_timer_;
    Loop::Timer renew_timer_;
    Growth growth_;
    bool fixed_ = false;  // its size was said by an operator
    Loop::Timer grow_timer_;
    Loop::Timer shrink_timer_;
    Loop::Timer age_timer_;
    Loop::Timer pulse_timer_;
    TimePoint pulse_looked_{};
    Loop::Timer silence_timer_;
    Duration silence_delay_;
    TimePoint next_stuck_look_{};
    std::minstd_rand chance_{std::random_device{}()};
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::fleet
