// SPDX-License-Identifier: Apache-2.0
/// The worker's side of the claim word: take a call before it starts, and open the word again when told to.
///
/// The rules stand in wire/black_box.hpp. The word itself is the whole state: while it is closed, every call is
/// dropped, and only the worker opens it.
#pragma once

#include <atomic>
#include <cstdint>

#include "wire/black_box.hpp"

namespace caisson::host {

/// True if the call is this worker's to start. False if the word is closed: the supervisor has taken the call back.
/// A number that is not larger than the last one claimed is never claimed again.
[[nodiscard]] inline bool claim_call(std::atomic<std::uint64_t>& word, std::uint64_t sequence) {
    std::uint64_t seen = word.load(std::memory_order_acquire);
    for (;;) {
        wire::Claim claim = wire::Claim::from(seen);
        if (claim.closed || claim.sequence >= sequence) return false;
        claim.sequence = sequence;
        if (word.compare_exchange_weak(seen, claim.word(), std::memory_order_acq_rel, std::memory_order_acquire)) {
            return true;
        }
    }
}

/// Opens a word that was closed with this generation. False if it is open, or was closed again since: then the `reopen`
/// that counts is still on its way.
bool reopen_claims(std::atomic<std::uint64_t>& word, std::uint32_t generation);

}  // namespace caisson::host
