// SPDX-License-Identifier: Apache-2.0
/// The service's door: its sessions, and the requests that operate it.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "control/listener.hpp"
#include "control/session.hpp"
#include "control/status.hpp"

namespace caisson::control {

class Service {
   public:
    /// What only the program itself can do.
    struct Operations {
        /// Reads the configuration again; the changes as text, or why nothing was changed.
        std::function<Result<std::vector<std::string>>()> reload;
        /// Begins to stop; `now`: without letting accepted calls finish.
        std::function<void(bool now)> stop;
    };

    Service(Loop& loop, Log& log, dispatch::Dispatcher& dispatcher, Listener listener, Access access,
            const settings::Service& settings, ServiceFacts facts, Operations operations);

    void set_access(Access access) { access_ = std::move(access); }
    void set_problems(std::vector<std::string> problems) { facts_.problems = std::move(problems); }

    /// Takes no more clients, and ends the sessions once they have taken their answers, or after `patience`.
    void close(Duration patience, std::function<void()> done);

   private:
    void on_connection(Fd socket);
    void on_end(Session& session);
    void check_closed();
    [[nodiscard]] Session::Reply answer(const Peer& peer, std::string_view text);
    [[nodiscard]] Result<nlohmann::json> show_status(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> show_crashes(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> show_poison(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> clear_poison(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> resize(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> reload(const nlohmann::json& request);
    [[nodiscard]] Result<nlohmann::json> stop(const nlohmann::json& request);

    Loop& loop_;
    Log& log_;
    dispatch::Dispatcher& dispatcher_;
    Listener listener_;
    Access access_;
    const settings::Service& settings_;
    ServiceFacts facts_;
    Operations operations_;
    Session::Service surroundings_;
    std::vector<std::unique_ptr<Session>> sessions_;
    Loop::Timer close_timer_;
    TimePoint close_until_{};
    std::function<void()> closed_;
};

}  // namespace caisson::control
