// SPDX-License-Identifier: Apache-2.0
/// The running service: its parts put together, its signals, and how its configuration changes while it runs.
#pragma once

#include <string>
#include <vector>

#include "apps/configuration.hpp"
#include "apps/watcher.hpp"
#include "base/log.hpp"
#include "base/loop.hpp"
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
    using Texts = std::vector<std::string>;
    [[nodiscard]] Result<Texts> reload(const std::string& source);
    [[nodiscard]] Result<Texts> preview();
    void look_again();
    [[nodiscard]] Result<Configuration> read_next();
    [[nodiscard]] Seen seen() const;
    void keep_running(Configuration& next) const;
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
    dispatch::Dispatcher dispatcher_;
    control::Requests requests_;
    control::Service service_;
    Watcher watcher_;
};

/// As the status says them.
[[nodiscard]] std::vector<std::string> texts(const settings::Problems& problems);

}  // namespace caisson::apps
