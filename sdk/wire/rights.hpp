// SPDX-License-Identifier: Apache-2.0
/// The control part of a message that carries one descriptor over a Unix socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstring>

namespace caisson::wire {

/// Put it on the stack beside the message, attach, and send: the kernel duplicates the descriptor.
class Rights {
   public:
    Rights() = default;
    Rights(const Rights&) = delete;
    Rights& operator=(const Rights&) = delete;

    void attach(msghdr& message, int descriptor) {
        message.msg_control = space_.data();
        message.msg_controllen = space_.size();
        auto* const entry = CMSG_FIRSTHDR(&message);
        entry->cmsg_level = SOL_SOCKET;
        entry->cmsg_type = SCM_RIGHTS;
        entry->cmsg_len = CMSG_LEN(sizeof descriptor);
        std::memcpy(CMSG_DATA(entry), &descriptor, sizeof descriptor);
    }

   private:
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space_{};
};

}  // namespace caisson::wire
