// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "apps/server.hpp"
#include "base/text.hpp"

// What the service manager is told.
namespace caisson::apps {

using fleet::CrewState;

std::string Server::status_line() const {
    const auto all = stands();
    const auto ready = std::ranges::count(all, CrewState::ready, [](const auto& one) { return one.second.state; });
    std::string line = cat("serving; ", ready, " of ", all.size(), all.size() == 1 ? " pool" : " pools", " ready");
    for (const auto& [name, stand] : all)
        if (stand.state == CrewState::quarantined) line += cat("; ", name, " is quarantined");
    return line;
}

// It is ready when each pool is, or has shown that it will not be soon.
void Server::tell_manager() {
    if (!manager_.present() || dispatcher_.stopping()) return;
    const auto all = stands();
    if (std::exchange(settled_, settled_ || std::ranges::none_of(all, [](const auto& one) {
                                    return one.second.state == CrewState::starting;
                                }))) {
        auto line = status_line();
        if (line != told_) manager_.status(told_ = std::move(line));
    } else if (settled_) {
        patience_.cancel();
        manager_.ready(told_ = status_line());
    }
}

}  // namespace caisson::apps
