// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "apps/server.hpp"
#include "base/text.hpp"

// What the service manager is told.
namespace caisson::apps {

using fleet::CrewState;

std::string Server::status_line() const {
    const auto all = stands();
    const auto serves = [](const auto& one) {
        return one.second.state == CrewState::ready || one.second.state == CrewState::degraded;
    };
    const auto serving = std::ranges::count_if(all, serves);
    std::string line = cat("serving ", serving, " of ", all.size(), all.size() == 1 ? " pool" : " pools");
    for (const auto& [name, stand] : all)
        if (stand.state == CrewState::quarantined) line += cat("; ", name, " is quarantined");
    return line;
}

// It is ready when each pool serves, or has shown that it will not soon.
void Server::tell_manager() {
    if (!manager_.present() || dispatcher_.stopping()) return;
    const auto all = stands();
    const bool starts =
        std::ranges::any_of(all, [](const auto& one) { return one.second.state == CrewState::starting; });
    if (!settled_ && starts) return;
    auto line = status_line();
    if (!std::exchange(settled_, true)) {
        patience_.cancel();
        manager_.ready(line);
    } else if (line != told_) {
        manager_.status(line);
    }
    told_ = std::move(line);
}

}  // namespace caisson::apps
