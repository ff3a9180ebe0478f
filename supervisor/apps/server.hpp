// SPDX-License-Identifier: Apache-2.0
/// The running service: its parts put together, its signals, and how its configuration changes while it runs.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/configuration.hpp"
#include "apps/heir.hpp"
#include "apps/service_manager.hpp"
#include "apps/upgrade.hpp"
#include "apps/watcher.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
#include "control/http_door.hpp"
#include "control/requests.hpp"
#include "control/service.hpp"
#include "dispatch/dispatcher.hpp"
#include "settings/compare.hpp"

namespace caisson::apps {

[[nodiscard]] LogOptions log_options(const settings::Log& log);

/// How the service came to be.
struct Start {
    Overrides overrides;
    std::filesystem::path program;       ///< its own, as it was called
    std::vector<std::string> arguments;  ///< the same
    std::optional<Inheritance> inheritance;
    ServiceManager manager;
};

class Server {
   public:
    Server(Start start, Configuration configuration, Log log, control::Listener listener, control::Access access);

    /// Serves until it is told to stop; the exit code.
    int run();

   private:
    void say(const settings::Problems& problems);
    void on_stop_signal(int signal);
    void stop(bool now);
    void on_closed();
    void end_orphans();
    void on_pool_change();
    [[nodiscard]] PoolStands stands() const;

    // server_manager.cpp
    [[nodiscard]] std::string status_line() const;
    void tell_manager();

    // server_upgrade.cpp
    void inherit(Inheritance inheritance);
    void take_over(const nlohmann::json& state);
    void upgrade(control::Done done);
    void on_taken(const std::string& version);
    void leave();
    void on_failed(const Error& error);
    [[nodiscard]] Message offer() const;
    [[nodiscard]] bool waits_for_heritage() const { return heir_ && !heir_->committed(); }
    [[nodiscard]] bool passed_on(int signal) const;

    // reload.cpp
    using Texts = std::vector<std::string>;
    void on_hangup();
    [[nodiscard]] Result<Texts> reload(const std::string& source);
    [[nodiscard]] Result<Texts> preview();
    void look_again();
    [[nodiscard]] Result<Configuration> read_next();
    [[nodiscard]] Seen seen() const;
    void keep_running(Configuration& next) const;
    void keep_discovered(Configuration& next) const;
    [[nodiscard]] Result<Texts> take(Configuration next);
    void adopt(settings::Settings next);
    void apply(const std::vector<settings::Change>& changes, settings::Settings& next);
    void note_reload(const std::string& source, const Result<Texts>& done);
    void say_problems();
    void watch();
    void on_news(Watcher::News news);
    [[nodiscard]] bool settles(const std::filesystem::path& file) const;

    Overrides overrides_;
    Configuration configuration_;  // as it was read last and taken; its settings are those of the file
    settings::Settings settings_;  // that hold: without what waits for a restart
    std::string refusal_;          // of the last reload; empty if it was done
    Loop loop_;
    Log log_;
    std::filesystem::path program_;
    std::vector<std::string> arguments_;
    ServiceManager manager_;
    Upgrade upgrade_;
    control::Done upgraded_;      // who asked for the upgrade under way
    std::unique_ptr<Heir> heir_;  // of a service that was upgraded to this one
    bool settled_ = false;        // the manager was told that it is ready
    std::string told_;            // to the manager
    Loop::Timer patience_;        // until it settles; until it goes
    bool closed_ = false;
    control::Access access_;  // who may do what: of both doors
    dispatch::Dispatcher dispatcher_;
    control::Requests requests_;
    control::Service service_;
    control::HttpDoor door_;
    Watcher watcher_;
};

/// As the status says them.
[[nodiscard]] std::vector<std::string> texts(const settings::Problems& problems);

}  // namespace caisson::apps
