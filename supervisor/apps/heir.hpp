// SPDX-License-Identifier: Apache-2.0
/// An upgrade as the new supervisor sees it: what it inherits, when it is ready, and what is given to it later. See
/// upgrade.hpp.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "apps/handover.hpp"
#include "control/session.hpp"
#include "fleet/hands.hpp"

namespace caisson::apps {

/// What the old supervisor offered at the start, and the line to it.
struct Inheritance {
    Fd line;
    Message offer;

    /// Nothing if this process was not started by a supervisor.
    [[nodiscard]] static Result<std::optional<Inheritance>> receive();
    /// Its own standard output and error are those of the old one from now on. Before, what it prints is the old one's
    /// to show.
    void take_outputs();
    /// It cannot take over: tells the old one why.
    void refuse(const std::string& why) const;
};

/// How a pool stands, here or there.
struct PoolStand {
    fleet::CrewState state{};
    std::string reason = {};
};
using PoolStands = std::map<std::string, PoolStand>;

/// Whether what served there serves here: true, or not yet, or why it never will.
[[nodiscard]] Result<bool> serves_as_well(const std::map<std::string, std::string>& there, const PoolStands& here);

class Heir {
   public:
    struct Handlers {
        /// Take over now: with what is in memory there.
        std::function<void(const nlohmann::json& state)> on_commit;
        std::function<void(control::Session::Parcel)> on_session;
        /// The old one has gone; without a commit there is nothing to do here.
        std::function<void(bool committed)> on_end;
    };
    Heir(Loop& loop, Inheritance inheritance, Handlers handlers);

    /// Looks whether it is ready, and says so once.
    void look(const PoolStands& here);
    /// It cannot take over. The old one ends it.
    void fail(const Error& error);
    /// It has.
    void taken();

    [[nodiscard]] bool committed() const { return committed_; }
    /// The old one is there, and may still give sessions.
    [[nodiscard]] bool connected() const { return connected_; }
    [[nodiscard]] const Message& offer() const { return offer_; }

   private:
    void on_message(Message message);

    Message offer_;
    Handlers handlers_;
    std::map<std::string, std::string> wanted_;
    Line line_;
    bool said_ = false;
    bool committed_ = false;
    bool connected_ = true;
};

}  // namespace caisson::apps
