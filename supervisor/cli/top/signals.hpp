// SPDX-License-Identifier: Apache-2.0
/// The signals of a program that has the terminal, as something to wait for: no handler runs in the middle of drawing,
/// and nobody ends before the terminal is as it was.
#pragma once

#include <csignal>
#include <optional>

#include "base/fd.hpp"

namespace caisson::cli::top {

class Signals {
   public:
    Signals();
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals();

    /// Readable when one came.
    [[nodiscard]] int descriptor() const { return signals_.get(); }
    /// The next of those that came: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT or SIGWINCH.
    [[nodiscard]] std::optional<int> take();

   private:
    sigset_t before_{};
    Fd signals_;
};

}  // namespace caisson::cli::top
