// SPDX-License-Identifier: Apache-2.0
/// How a worker ends by its own decision: its exit codes, and the way out that runs nothing of the plugin.
#pragma once

#include <string_view>

namespace caisson::host {

/// Exit codes of caisson-worker. A plugin can exit with any code too: the black box says whether a call ran.
enum class ExitCode : int {
    stopped = 0,          ///< after a `stop` frame and destroy()
    usage = 2,            ///< started by hand, with the wrong arguments
    setup_failed = 3,     ///< after a `failed` frame
    protocol_error = 4,   ///< the supervisor's frames made no sense
    supervisor_gone = 5,  ///< nobody reads the socket any more
    socket_lost = 6,      ///< the plugin closed or replaced the worker's socket
    out_of_memory = 7,    ///< no memory for the next call: the plugin has used up what the pool's limit allows
};

/// Ends the process without exit handlers and static destructors; `why` goes to stderr unless it is empty.
[[noreturn]] void end_at_once(ExitCode code, std::string_view why);

}  // namespace caisson::host
