// SPDX-License-Identifier: Apache-2.0
#include "base/writers.hpp"

#include <fcntl.h>

#include <cerrno>
#include <csignal>

#include "base/fd.hpp"

namespace caisson::sys {

// The kernel grants no lease for reading on a file that is open for writing. One that it grants is given back at once;
// who opens the file for writing in between waits for that moment, and the signal that would tell us of him is one that
// is ignored.
bool being_written(int descriptor) {
    if (::fcntl(descriptor, F_SETSIG, SIGURG) != 0) return false;
    if (::fcntl(descriptor, F_SETLEASE, F_RDLCK) != 0) return errno == EAGAIN;
    ::fcntl(descriptor, F_SETLEASE, F_UNLCK);
    return false;
}

bool being_written(const std::filesystem::path& file) {
    const Fd descriptor{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    return descriptor && being_written(descriptor.get());
}

}  // namespace caisson::sys
