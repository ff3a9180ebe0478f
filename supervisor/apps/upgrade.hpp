// SPDX-License-Identifier: Apache-2.0
/// An upgrade as the old supervisor sees it: a successor is started, gets what it needs, and takes over or is ended.
///
///     old                                       new
///      | starts it ------------------------------>|
///      | offer: listener, lock, outputs, state -->| reads the configuration, starts its pools
///      |<------------------------- ready, or failed: why
///      | commit: state as of now ---------------->| claims the listener and accepts clients
///      |<----------------------------------- taken|
///      | session: socket, bytes in hand --------->| goes on with it
///      | … each when its calls have ended         |
///      | ends                                     |
///
/// upgrade_state.hpp has the states. The listener's file is never removed meanwhile, and the lock beside it never free:
/// a lock (flock) belongs to the open file, which both have.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/handover.hpp"
#include "apps/successor.hpp"
#include "apps/upgrade_state.hpp"
#include "control/session.hpp"

namespace caisson::apps {

class Upgrade {
   public:
    struct Handlers {
        /// It is ready. From now on nobody may be accepted; returns what it should know as of now.
        std::function<nlohmann::json()> on_ready;
        /// It has taken over, and says its version.
        std::function<void(const std::string& version)> on_taken;
        /// It did not, and was killed; why, and as a hint its last words.
        std::function<void(const Error& error)> on_failed;
        /// It took over, and has gone: what was to be given to it is lost.
        std::function<void()> on_gone;
    };
    Upgrade(Loop& loop, Handlers handlers);

    /// Starts `program` and offers it all that the message has. Only while there is no upgrade.
    [[nodiscard]] Result<void> begin(const std::filesystem::path& program, std::vector<std::string> arguments,
                                     Message offer, Duration patience);
    /// Gives it up, unless it has taken over.
    void cancel(const std::string& why);
    /// For one that has taken over.
    [[nodiscard]] Result<void> give(control::Session::Parcel parcel);
    /// Calls back when all has been given.
    void finish(std::function<void()> done);

    [[nodiscard]] UpgradeState state() const { return state_; }
    /// Of the successor; 0 if there is none.
    [[nodiscard]] pid_t pid() const { return successor_ ? successor_->pid() : 0; }
    void signal(int number) const {
        if (successor_) successor_->signal(number);
    }

   private:
    void on_message(const Message& message);
    void on_exit(const std::string& how);
    void fail(const std::string& why, const std::string& hint = {});
    bool enter(UpgradeEvent event);

    Loop& loop_;
    Handlers handlers_;
    UpgradeState state_ = UpgradeState::serving;
    std::unique_ptr<Successor> successor_;
    std::unique_ptr<Line> line_;
    std::string version_;
    Duration patience_{};
    Loop::Timer timer_;
};

}  // namespace caisson::apps
