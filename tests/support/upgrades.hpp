// SPDX-License-Identifier: Apache-2.0
/// Upgrades of a service whose programs stand in a folder of the test's own.
#pragma once

#include <string>

#include "support/service.hpp"

namespace caisson::test {

/// Upgrades, and waits until the old supervisor has ended. The reply.
inline Json upgrade(Service& service) {
    const auto reply = service.request({{"verb", "upgrade"}});
    service.follow(reply.at("pid").get<pid_t>());
    return reply;
}

/// The workers, the keeper and the supervisor: what must be the same when nothing has happened.
inline std::vector<pid_t> pids_of(const Service& service, std::string_view pool) {
    auto pids = service.workers(pool);
    pids.push_back(service.keeper());
    pids.push_back(service.status().at("supervisor").at("pid").get<pid_t>());
    return pids;
}

}  // namespace caisson::test
