// SPDX-License-Identifier: Apache-2.0
/// What this host can enforce on a worker: each means probed, not guessed from a kernel version.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace caisson::host {

/// One means of the kernel.
struct Capability {
    std::string_view name;
    bool available = false;
    std::string detail;        ///< what was found, or why it is not there
    std::string_view purpose;  ///< what Caisson uses it for, or would
};

/// Tries everything in turn, in throw-away children where a try would change this process. Takes some milliseconds, may
/// fork, and must not be called where children are reaped by somebody else.
[[nodiscard]] std::vector<Capability> probe_host();

}  // namespace caisson::host
