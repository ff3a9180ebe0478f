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

    /// Lets clients in. Until then, and while it is shut, they wait in the kernel.
    void open();
    void shut() { listener_.pause(); }

    void set_access(Access access) { access_ = std::move(access); }
    [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }

    /// Gives every session away, as soon as nothing of it is under way here, and those that `adopt` is given later.
    void hand_over(std::function<void(Session::Parcel)> take);
    /// Goes on with a session of another process.
    void adopt(Session::Parcel parcel);
    [[nodiscard]] bool empty() const { return sessions_.empty(); }
    [[nodiscard]] Listener& listener() { return listener_; }
    [[nodiscard]] const Listener& listener() const { return listener_; }

    /// Takes no more clients, and ends the sessions once they have taken their answers, or after `patience`.
    void close(Duration patience, std::function<void()> done);

   private:
    void on_connection(Fd socket);
    void on_end(Session& session);
    void on_leaving(Session& session, Session::Parcel parcel);
    Session& add(std::unique_ptr<Session> session);
    void check_closed();

    Loop& loop_;
    Log& log_;
    Listener listener_;
    Access access_;
    const settings::Service& settings_;
    Session::Service surroundings_;
    std::vector<std::unique_ptr<Session>> sessions_;
    std::function<void(Session::Parcel)> take_;  // set: sessions leave
    Loop::Timer close_timer_;
    TimePoint close_until_{};
    std::function<void()> closed_;
};

}  // namespace caisson::control
