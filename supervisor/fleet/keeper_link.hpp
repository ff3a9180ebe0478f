// SPDX-License-Identifier: Apache-2.0
/// The supervisor's end of the keeper: orders programs to be started, and hears how they ended.
///
/// An order that the socket cannot take waits here; nothing blocks. A keeper that does not answer an order in time is
/// killed. If the keeper dies, every program that it had started dies with it; the link reports each as ended (`lost`)
/// and starts a new keeper at the next order.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "base/result.hpp"
#include "keeper/orders.hpp"

namespace caisson::fleet {

class KeeperLink {
   public:
    /// How a program ended, as the keeper saw it.
    struct Ended {
        bool lost = false;  ///< the keeper died; nothing more is known
        bool by_signal = false;
        int number = 0;  ///< exit code or signal
        std::int64_t max_rss_bytes = 0;
    };
    /// on_paused: a signal has stopped it (true), or it goes on.
    /// Exactly one of on_failed and on_ended is called per spawn; on_spawned before on_ended.
    struct Handlers {
        std::function<void(pid_t pid, Fd pidfd)> on_spawned;
        std::function<void(int number)> on_failed;  ///< errno
        std::function<void(const Ended&)> on_ended;
        std::function<void(bool paused)> on_paused = {};
    };
    struct Spawn {
        keeper::Program program{};
        std::vector<std::string> arguments;    ///< with the name first
        std::vector<std::string> environment;  ///< NAME=value
        std::uint64_t zygote = 0;              ///< not 0: no program, but a copy that this one makes; see copies.hpp
        std::vector<int> descriptors;          ///< become 0, 1, 2…; borrowed until `spawn` returns
    };

    /// Opens the programs in `program_dir`; what is installed there later is not for this engine.
    KeeperLink(Loop& loop, Log& log, std::filesystem::path program_dir);
    ~KeeperLink();

    /// Starts the keeper if there is none.
    [[nodiscard]] Result<void> ensure();
    /// Orders a program. The answer comes through the handlers, never from inside this call.
    [[nodiscard]] Result<std::uint64_t> spawn(const Spawn& spawn, Handlers handlers);
    /// Sends a signal to the process group of a spawned program.
    void signal(std::uint64_t id, int signal);
    /// Of the keeper; 0 if there is none.
    [[nodiscard]] pid_t pid() const { return pid_; }

   private:
    struct Waiting {  // an order that the socket could not take yet
        keeper::Order order;
        std::string strings;
        std::vector<Fd> descriptors;
    };

    [[nodiscard]] Result<void> open_programs();
    void on_readable();
    void handle(const keeper::Notice& notice, Fd pidfd);
    void lose();
    void end_keeper(Duration patience);
    void order(Waiting order);
    void send_waiting();
    [[nodiscard]] bool send(const Waiting& order);
    void expect_answer();

    Loop& loop_;
    Log& log_;
    std::filesystem::path program_dir_;
    Fd keeper_;                 // the program
    std::vector<Fd> programs_;  // what it may start
    Fd socket_;
    pid_t pid_ = 0;
    Fd pidfd_;  // signals and waits go through it: the program around us may have reaped the keeper, its pid be
                // another's
    Loop::Watch watch_;
    std::uint64_t next_id_ = 1;
    std::unordered_map<std::uint64_t, std::shared_ptr<Handlers>> live_;
    std::deque<Waiting> waiting_;  // bounded by the workers that are being started
    bool waiting_writable_ = false;
    std::size_t unanswered_ = 0;  // spawns without a word of the keeper yet
    Loop::Timer patience_;
};

}  // namespace caisson::fleet
