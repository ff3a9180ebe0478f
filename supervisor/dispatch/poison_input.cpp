// SPDX-License-Identifier: Apache-2.0
#include "dispatch/poison_input.hpp"

#include <unistd.h>

#include "base/limits.hpp"

namespace caisson::dispatch {

PoisonBody::PoisonBody(const Fd* memory, std::uint64_t memory_bytes, std::span<const std::byte> body) : bytes_(body) {
    if (memory == nullptr) return;
    known_ = memory_bytes <= limits::poison_input_bytes;
    if (!known_) return;
    copy_.resize(static_cast<std::size_t>(memory_bytes));
    for (std::size_t have = 0; have < copy_.size();) {
        const auto got = ::pread(memory->get(), copy_.data() + have, copy_.size() - have, static_cast<off_t>(have));
        if (got <= 0) {
            known_ = false;  // sealed memory does not fail; nothing is refused for what cannot be read
            return;
        }
        have += static_cast<std::size_t>(got);
    }
    bytes_ = copy_;
}

}  // namespace caisson::dispatch
