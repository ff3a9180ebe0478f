// SPDX-License-Identifier: Apache-2.0
/// The service manager that has started us, if one has: sockets that it passes and keeps, and what it wants to be told.
///
/// It is systemd's protocol (sd_notify(3), sd_listen_fds(3)); libsystemd reads what was passed, behind this header and
/// nowhere else. What is told is sent here, for the loop must not wait for another process: what the manager's socket
/// does not take waits, and is tried again.
#pragma once

#include <sys/types.h>

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/fd.hpp"
#include "base/loop.hpp"

namespace caisson::apps {

/// The name under which the manager keeps the listener, so that a start after a crash goes on with it.
inline constexpr std::string_view kept_listener = "caisson-listener";

class ServiceManager {
   public:
    struct Passed {
        std::string name;
        Fd descriptor;
    };

    /// What the environment says, and the descriptors that it speaks of, which are ours from now on.
    [[nodiscard]] static ServiceManager from_environment();

    /// Somebody wants to be told.
    [[nodiscard]] bool present() const { return !address_.empty(); }
    /// All descriptors that were passed.
    [[nodiscard]] std::vector<Passed> take_passed() { return std::move(passed_); }

    /// From now on it may be told, on this loop. `patrol`: the watchdog's signs of life, if they were asked for, and
    /// only then: each is a wake-up.
    void attach(Loop& loop);
    void patrol();

    void ready(std::string_view status);
    void reloading();
    void stopping(std::string_view status);
    void status(std::string_view status);
    /// Another process is the service from now on; this one says no more.
    void hand_to(pid_t pid, std::string_view status);
    /// Keeps a descriptor for the next start, and forgets it.
    void keep(const Fd& descriptor, std::string_view name);
    void forget(std::string_view name);

   private:
    struct Waiting {
        std::string text;
        Fd descriptor;
    };
    void tell(std::string text, Fd descriptor = {});
    void send_waiting();
    void sign_of_life();

    std::string address_;  // of its socket, '@' for an abstract one; empty: nobody
    Duration watchdog_{};  // half of what it allows; 0: it does not watch
    std::vector<Passed> passed_;
    Loop* loop_ = nullptr;
    std::optional<Loop::Timer> watchdog_timer_;
    std::optional<Loop::Timer> retry_timer_;
    std::deque<Waiting> waiting_;
    Fd socket_;
    bool silent_ = false;  // it is not ours any more
};

}  // namespace caisson::apps
