// SPDX-License-Identifier: Apache-2.0
#include "host/claim.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "wire/black_box.hpp"

namespace caisson::host {
namespace {

using wire::Claim;
using Word = std::atomic<std::uint64_t>;

/// What the supervisor does to take calls back: returns the last one that was claimed.
Claim close_word(Word& word) {
    std::uint64_t seen = word.load();
    for (;;) {
        Claim claim = Claim::from(seen);
        claim.closed = true;
        claim.generation = claim.next_generation();
        if (word.compare_exchange_weak(seen, claim.word())) return claim;
    }
}

TEST(Claim, TakesCallsInOrderOverGaps) {
    Word word = 0;
    EXPECT_TRUE(claim_call(word, 1));
    EXPECT_TRUE(claim_call(word, 2));
    EXPECT_TRUE(claim_call(word, 7));
    EXPECT_EQ(Claim::from(word).sequence, 7U);
    EXPECT_EQ(Claim::from(word).generation, 0);
}

TEST(Claim, NeverTakesACallTwice) {
    Word word = 0;
    EXPECT_TRUE(claim_call(word, 5));
    EXPECT_FALSE(claim_call(word, 5));
    EXPECT_FALSE(claim_call(word, 4));
    EXPECT_EQ(Claim::from(word).sequence, 5U);
}

TEST(Claim, DropsWhileClosedAndGoesOnAfterReopen) {
    Word word = 0;
    EXPECT_TRUE(claim_call(word, 1));
    const Claim closed = close_word(word);
    EXPECT_EQ(closed.sequence, 1U);
    EXPECT_FALSE(claim_call(word, 2));
    EXPECT_TRUE(reopen_claims(word, closed.generation));
    EXPECT_EQ(Claim::from(word).sequence, 1U) << "a dropped call is never claimed";
    EXPECT_TRUE(claim_call(word, 3));
}

TEST(Claim, OnlyTheLastReopenCounts) {
    Word word = 0;
    const Claim first = close_word(word);
    const Claim second = close_word(word);
    EXPECT_FALSE(reopen_claims(word, first.generation));
    EXPECT_FALSE(claim_call(word, 1));
    EXPECT_TRUE(reopen_claims(word, second.generation));
    EXPECT_FALSE(reopen_claims(word, second.generation)) << "it is open already";
    EXPECT_TRUE(claim_call(word, 1));
}

TEST(Claim, GenerationComesRound) {
    Word word = Claim{.generation = 0x7FFF, .closed = false, .sequence = 9}.word();
    const Claim closed = close_word(word);
    EXPECT_EQ(closed.generation, 0);
    EXPECT_EQ(closed.sequence, 9U);
    EXPECT_TRUE(reopen_claims(word, 0));
}

TEST(Claim, EveryCallIsOnOneSideOnly) {
    Word word = 0;
    constexpr std::uint64_t calls = 20'000;
    std::vector<bool> claimed(calls + 1);
    std::atomic<bool> done = false;
    std::thread worker{[&] {
        for (std::uint64_t n = 1; n <= calls; ++n) claimed[n] = claim_call(word, n);
        done = true;
    }};
    std::uint64_t last_claimed_at_close = 0;
    while (!done) {
        const Claim closed = close_word(word);
        last_claimed_at_close = closed.sequence;
        reopen_claims(word, closed.generation);
    }
    worker.join();
    const std::uint64_t last = Claim::from(word).sequence;
    EXPECT_GE(last, last_claimed_at_close);
    for (std::uint64_t n = last + 1; n <= calls; ++n) EXPECT_FALSE(claimed[n]) << n;
    if (last > 0) {
        EXPECT_TRUE(claimed[last]);
    }
}

}  // namespace
}  // namespace caisson::host
