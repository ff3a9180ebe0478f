// SPDX-License-Identifier: Apache-2.0
/// The running service: its parts put together, its signals, and how its configuration changes while it runs.
#pragma once

#include <string>
#include <vector>

#include "apps/configuration.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/http_door.hpp"
#include "control/requests.hpp"
#include "control/service.hpp"
#include "dispatch/dispatcher.hpp"
#include "settings/compare.hpp"

namespace caisson::apps {

[[nodiscard]] LogOptions log_options(const settings::Log& log);

class Server {
   public:
    Server(Overrides overrides, Configuration configuration, Log log, control::Listener listener,
           control::Access access);

    /// Serves until it is told to stop; the exit code.
    int run();

   private:
    void say(const settings::Problems& problems);
    void on_stop_signal(int signal);
    void stop(bool now);
    void end_orphans();

    // reload.cpp
    void on_hangup();
    [[nodiscard]] Result<std::vector<std::string>> reload();
    void adopt(settings::Settings next);
    void apply(const std::vector<settings::Change>& changes, const settings::Settings& next);

    Overrides overrides_;
    settings::Settings settings_;
    Loop loop_;
    Log log_;
    dispatch::Dispatcher dispatcher_;
    control::Requests requests_;
    control::Service service_;
    control::HttpDoor door_;
};

/// As the status says them.
[[nodiscard]] std::vector<std::string> texts(const settings::Problems& problems);

}  // namespace caisson::apps
