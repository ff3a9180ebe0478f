// SPDX-License-Identifier: Apache-2.0
/// The frames that come in: blocks only when none is complete, and says before it does.
#pragma once

#include <deque>
#include <functional>

#include "base/fd.hpp"
#include "wire/codec.hpp"

namespace caisson::host {

class Inlet {
   public:
    /// `before_wait` is called each time before the socket may block.
    Inlet(int socket, std::function<void()> before_wait) : socket_(socket), before_wait_(std::move(before_wait)) {}

    /// The next frame; valid until the next call. Ends the process if the supervisor has gone or talks nonsense.
    [[nodiscard]] wire::Frame next();
    /// The memfd that the detached frame in hand speaks of. Ends the process if the supervisor sent none.
    [[nodiscard]] Fd take_descriptor();

   private:
    void receive();

    int socket_;
    std::function<void()> before_wait_;
    wire::FrameReader reader_;
    std::deque<Fd> descriptors_;  // came, and not taken
};

}  // namespace caisson::host
