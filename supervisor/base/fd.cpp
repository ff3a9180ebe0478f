// SPDX-License-Identifier: Apache-2.0
#include "base/fd.hpp"

#include <unistd.h>

namespace caisson {

void Fd::reset(int number) {
    // On Linux close() frees the number even when it reports EINTR; trying again could close somebody else's.
    if (number_ >= 0) ::close(number_);
    number_ = number;
}

}  // namespace caisson
