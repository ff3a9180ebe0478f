// SPDX-License-Identifier: Apache-2.0
#include "host/ending.hpp"

#include <sys/uio.h>
#include <unistd.h>

namespace caisson::host {

void end_at_once(ExitCode code, std::string_view why) {
    if (!why.empty()) {
        // In one call, and without memory: that may be what is missing.
        const auto piece = [](std::string_view text) { return iovec{const_cast<char*>(text.data()), text.size()}; };
        const iovec line[] = {piece("caisson-worker: "), piece(why), piece("\n")};
        // Nothing is left to do about a stderr that takes no more.
        [[maybe_unused]] const ssize_t ignored = ::writev(STDERR_FILENO, line, 3);
    }
    ::_exit(static_cast<int>(code));
}

}  // namespace caisson::host
