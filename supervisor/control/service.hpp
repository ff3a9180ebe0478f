// SPDX-License-Identifier: Apache-2.0
/// The door for clients: the socket, and the sessions of those who came in by it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "control/listener.hpp"
#include "control/requests.hpp"
#include "control/session.hpp"

namespace caisson::control {

class Service {
   public:
    /// All of these live longer.
    Service(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Requests& requests, Listener listener,
            Access access, const settings::Service& settings);

    void set_access(Access access) { access_ = std::move(access); }
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

    /// Takes no more clients, and ends the sessions once they have taken their answers, or after `patience`.
    void close(Duration patience, std::function<void()> done);

   private:
    void on_connection(Fd socket);
    void on_end(Session& session);
    void check_closed();

    Loop& loop_;
    Log& log_;
    Listener listener_;
    Access access_;
    const settings::Service& settings_;
    Session::Service surroundings_;
    std::vector<std::unique_ptr<Session>> sessions_;
    Loop::Timer close_timer_;
    TimePoint close_until_{};
    std::function<void()> closed_;
};

}  // namespace caisson::control
