// SPDX-License-Identifier: Apache-2.0
#include "host/claim.hpp"

namespace caisson::host {

using wire::Claim;

bool reopen_claims(std::atomic<std::uint64_t>& word, std::uint32_t generation) {
    std::uint64_t seen = word.load(std::memory_order_acquire);
    for (;;) {
        Claim claim = Claim::from(seen);
        if (!claim.closed || claim.generation != generation) return false;
        claim.closed = false;
        if (word.compare_exchange_weak(seen, claim.word(), std::memory_order_acq_rel, std::memory_order_acquire)) {
            return true;
        }
    }
}

}  // namespace caisson::host
