// SPDX-License-Identifier: Apache-2.0
/// Ctrl-C and SIGTERM as something to wait for, while this lives. No handler runs; the signals are blocked in this
/// thread and read from a descriptor.
#pragma once

#include <csignal>

#include "base/fd.hpp"

namespace caisson::cli {

class Interrupts {
   public:
    Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    ~Interrupts();

    /// Readable when one came.
    [[nodiscard]] int descriptor() const { return signals_.get(); }
    /// Takes those that came. True if there was one.
    [[nodiscard]] bool take();

   private:
    sigset_t before_{};
    Fd signals_;
};

}  // namespace caisson::cli
