// SPDX-License-Identifier: Apache-2.0
/// One worker: a child process with one plugin loaded, its socket, its black box, and the calls that it holds.
///
/// The worker takes calls in order and answers in order. What it holds is a queue: the front may be running, the rest
/// waits in its socket or buffer. When the worker dies, the black box says which of them had been started; results that
/// were finished and not sent are taken from there. docs/failure_model.md tells the whole.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "fleet/box.hpp"
#include "fleet/exit.hpp"
#include "fleet/hands.hpp"
#include "fleet/keeper_link.hpp"
#include "fleet/librarian.hpp"
#include "fleet/output.hpp"
#include "fleet/plugin_info.hpp"
#include "fleet/pulse.hpp"
#include "fleet/roster.hpp"
#include "fleet/worker_state.hpp"
#include "settings/settings.hpp"

namespace caisson::fleet {

/// How a worker comes to be: by exec, as a zygote, or as the copy of one.
struct Birth {
    bool zygote = false;       ///< loads the plugin, and makes copies of itself instead of running calls
    std::uint64_t mother = 0;  ///< the `keeper_id` of the zygote that it is a copy of
    std::shared_ptr<const PluginInfo> info = {};  ///< of a copy: what the zygote said of the plugin
    LibraryRef library = {};                      ///< null: it loads what the pool's `plugin` names
    double luck = 0;                              ///< from 0 to 1: what it has less of the longest life (lifespan.hpp)
};

class Worker final : public Roster::Member {
   public:
    /// Who hears of a worker. Called on the loop's thread; must not destroy the worker before a later turn.
    class Owner {
       public:
        virtual void on_worker_ready(Worker& worker) = 0;
        virtual void on_worker_chunk(Worker& worker, CallToken call, wire::Encoding encoding,
                                     std::span<const std::byte> bytes) = 0;
        virtual void on_worker_progress(Worker& worker, CallToken call, double fraction, std::string_view note) = 0;
        virtual void on_worker_answer(Worker& worker, CallToken call, const Answer& answer) = 0;
        /// Calls were taken back from it.
        virtual void on_worker_room(Worker& worker) = 0;
        /// A signal has stopped it, or it goes on.
        virtual void on_worker_paused(Worker& worker, bool paused) {
            (void)worker;
            (void)paused;
        }
        /// Its socket has ended: it answers nothing more, and its death follows.
        virtual void on_worker_lost(Worker& worker) = 0;
        /// The last event of a worker.
        virtual void on_worker_death(Worker& worker, const Death& death) = 0;

       protected:
        ~Owner() = default;
    };
    /// Hears each line of a worker's output that the rules let through; `call` is 0 if none runs.
    using OutputSink = std::function<void(std::string_view pool, std::uint32_t worker, std::uint64_t call,
                                          std::string_view stream, std::string_view line)>;
    struct Surroundings {
        Loop& loop;
        Log& log;
        KeeperLink& keeper;
        const settings::Log& output_rules;
        OutputSink on_output = {};
        Librarian* librarian = nullptr;  ///< null: libraries are loaded by their path, as they are at that moment
    };

    Worker(Surroundings surroundings, Owner& owner, const settings::Pool& pool, std::uint32_t id, Birth birth = {});
    ~Worker();

    /// Orders the process. An error is reported as a death, in a later turn.
    void spawn();

    // As a hand; see there.
    [[nodiscard]] std::uint32_t room() const override;
    [[nodiscard]] std::size_t held() const override { return held_items_; }
    [[nodiscard]] bool running(CallToken call) const override;
    void cancel(CallToken call) override;
    [[nodiscard]] std::vector<Part> take_back() override;
    void kill(Exit::Kind kind, std::string why) override;
    void listen(bool to_it) override;
    [[nodiscard]] std::uint32_t id() const override { return id_; }
    [[nodiscard]] pid_t pid() const override { return pid_; }

    [[nodiscard]] Given start(CallToken call, const Work& work);
    /// The worker was silent for a while: takes results that are finished and not sent.
    void look();

    /// SIGKILL now, and its call has nothing to do with it.
    void kill_as_ordered(std::string why);
    /// Notes that it must be replaced; the first reason counts.
    void want_renewal(std::string why) {
        if (renewal_.empty()) renewal_ = std::move(why);
    }
    [[nodiscard]] const std::string& renewal() const { return renewal_; }

    /// One look at whether it gets to run; see pulse.hpp. Kills it if it has given no sign for `heartbeat`. True if it
    /// still owes one.
    bool judge(Duration elapsed, bool late);
    /// A signal has stopped it.
    [[nodiscard]] bool paused() const { return paused_; }
    [[nodiscard]] double luck() const { return birth_.luck; }
    /// Memory that is its own, as last measured; 0 if never.
    [[nodiscard]] std::uint64_t memory_bytes() const { return memory_bytes_; }
    /// Measures it, if the last time is at least so long ago.
    void measure_within(Duration age);

    /// Down the ladder: the running call may finish until `drain_until`, then cancel, SIGTERM, SIGKILL.
    void stop(TimePoint drain_until);

    [[nodiscard]] WorkerState state() const { return state_; }
    /// It serves, no signal has stopped it, and its socket has not ended.
    [[nodiscard]] bool usable() const { return state_ == WorkerState::serving && !paused_ && !lost_; }
    /// Its socket has ended: it answers nothing more, and its death follows.
    [[nodiscard]] bool lost() const { return lost_; }
    /// As far as its black box can be believed: it was lost to a call that crashed.
    [[nodiscard]] bool lost_in_call() const;
    [[nodiscard]] std::uint64_t calls() const { return answered_; }
    [[nodiscard]] TimePoint since() const { return spawned_; }
    [[nodiscard]] TimePoint last_heard() const { return last_heard_; }
    /// When the front call was started; empty if the worker is idle.
    [[nodiscard]] std::optional<TimePoint> running_since() const;
    /// The method of the front call; empty if the worker is idle.
    [[nodiscard]] std::string_view running_method() const;
    [[nodiscard]] const std::shared_ptr<const PluginInfo>& info() const { return info_; }
    /// The settings it was started with.
    [[nodiscard]] const settings::Pool& settings() const { return pool_; }
    /// What it has loaded; null if it was not said.
    [[nodiscard]] const LibraryRef& library() const { return birth_.library; }
    /// Of the process, for the keeper.
    [[nodiscard]] std::uint64_t keeper_id() const { return keeper_id_; }
    /// "chaos/2"; "chaos/zygote"
    [[nodiscard]] std::string name() const;

   private:
    struct Held {
        std::uint64_t sequence;  // of its first item that has no answer
        std::uint32_t items;
        CallToken call;
        std::uint64_t number;
        std::uint32_t method;
        bool boxed = false;  // its input is in the black box
    };

    [[nodiscard]] Result<void> try_spawn();
    void on_spawned(pid_t pid, Fd pidfd);
    void on_not_spawned(int number);
    void on_frame(const wire::Frame& frame);
    void on_ready(const wire::Frame& frame);
    void serve();
    void on_setup_failed(const wire::Frame& frame);
    void on_result(const wire::Frame& frame);
    [[nodiscard]] const Held* front_if(std::uint64_t sequence, std::string_view what);
    [[nodiscard]] const Held* find(CallToken call) const;
    void send_boxed(wire::Header header, const Work& work);
    void on_run(const wire::Header& header, std::span<const std::byte> records);
    void take_open_run();
    void note_service(std::int64_t run_ns, std::uint32_t items);
    void drop_front_items(std::uint32_t items);
    void limit_farewell();
    void on_channel_end(const Channel::Ending& ending);
    void on_ended(const KeeperLink::Ended& ended);
    void die(Exit exit, bool keeper_lost = false);

    void enter(WorkerEvent event);
    void act();
    void escalate_at(TimePoint time);
    void give_time(Duration time, std::function<void()> then);
    void signal_all(int signal);
    void note_cause(Exit::Kind kind, std::string why);
    [[nodiscard]] Exit exit_of(const KeeperLink::Ended& ended);
    void sort_held(Death& death);
    void on_paused(bool paused);

    void read_output(Fd& pipe, LineSplitter& splitter, std::string_view stream, int reads);
    void take_line(std::string_view stream, std::string_view line);

    Surroundings around_;
    Owner& owner_;
    settings::Pool pool_;
    std::uint32_t id_;
    Birth birth_;

    WorkerState state_ = WorkerState::starting;
    std::optional<Exit> cause_;  // the first one known
    std::string setup_step_;
    std::uint64_t keeper_id_ = 0;
    pid_t pid_ = 0;
    Fd pidfd_;
    std::optional<Box> box_;
    std::optional<Channel> channel_;
    std::shared_ptr<const PluginInfo> info_;
    bool was_serving_ = false;
    bool intended_ = false;
    bool ordered_ = false;
    std::string renewal_;
    bool paused_ = false;
    Pulse pulse_;
    std::uint64_t memory_bytes_ = 0;
    TimePoint measured_{};
    bool told_death_ = false;
    bool lost_ = false;  // its socket has ended
    bool lied_ = false;  // what it sent made no sense: nothing of it is believed any more

    std::deque<Held> held_;
    std::size_t held_items_ = 0;
    bool input_taken_ = false;  // the place of a large input in the black box
    std::uint64_t next_sequence_ = 1;
    std::uint64_t taken_ahead_ = 0;  // items before it were taken from an open run, and come again by the socket
    std::uint64_t answered_ = 0;
    double service_ns_ = -1;  // moving average of how long a call runs; below zero: not known yet
    TimePoint spawned_{};
    TimePoint last_heard_{};

    Fd stdout_;
    Fd stderr_;
    Loop::Watch stdout_watch_;
    Loop::Watch stderr_watch_;
    LineSplitter stdout_lines_;
    LineSplitter stderr_lines_;
    LineBudget budget_;
    OutputTail tail_;
    Loop::Timer timer_;  // of the start, then of the ladder
    TimePoint drain_until_ = TimePoint::max();
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace caisson::fleet
