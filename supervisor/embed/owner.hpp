// SPDX-License-Identifier: Apache-2.0
/// Which process something belongs to. A fork copies objects, but not the threads that serve them.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "base/text.hpp"
#include "embed/pool/failure.hpp"

namespace caisson::embed {

class Owner {
   public:
    /// True in the process that made this object.
    [[nodiscard]] bool here() const { return ::getpid() == pid_; }
    /// `what`: "this pool".
    void require(std::string_view what) const {
        if (!here()) throw PoolError(cat(what, " belongs to process ", pid_, " and was copied by fork: make another"));
    }

   private:
    pid_t pid_ = ::getpid();
};

}  // namespace caisson::embed
