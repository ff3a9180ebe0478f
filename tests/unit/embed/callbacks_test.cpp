// SPDX-License-Identifier: Apache-2.0
#include "embed/callbacks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <vector>

#include "embed/pool/failure.hpp"

namespace caisson::embed {
namespace {

using ::testing::ElementsAre;

std::shared_ptr<CallbackScope> scope() { return std::make_shared<CallbackScope>(nullptr); }

TEST(Callbacks, RunInOrderElsewhere) {
    Callbacks callbacks;
    const auto ours = scope();
    std::vector<int> ran;
    for (int n = 0; n < 3; ++n)
        callbacks.post(ours, "m", [&, n] {
            EXPECT_TRUE(callbacks.on_this_thread());
            ran.push_back(n);
        });
    ours->wait_idle();
    EXPECT_FALSE(callbacks.on_this_thread());
    EXPECT_THAT(ran, ElementsAre(0, 1, 2));
}

TEST(Callbacks, ThatThrowAreToldOnce) {
    Callbacks callbacks;
    const auto ours = scope();
    callbacks.post(ours, "first", [] { throw std::runtime_error("no"); });
    callbacks.post(ours, "second", [] { throw 7; });
    ours->wait_idle();
    try {
        ours->rethrow();
        FAIL() << "a callback threw";
    } catch (const CallbackError& error) {
        EXPECT_STREQ(error.what(), "a callback of first threw: no");
    }
    EXPECT_NO_THROW(ours->rethrow());
}

TEST(Callbacks, OfASilencedScopeDoNotBegin) {
    Callbacks callbacks;
    const auto ours = scope();
    const auto theirs = scope();
    std::promise<void> begun;
    std::promise<void> go_on;
    bool late = false;
    bool other = false;
    callbacks.post(ours, "m", [&] {
        begun.set_value();
        go_on.get_future().wait();
    });
    callbacks.post(ours, "m", [&] { late = true; });
    callbacks.post(theirs, "m", [&] { other = true; });
    begun.get_future().wait();
    ours->silence();
    go_on.set_value();
    ours->wait_quiet();
    ours->wait_idle();
    theirs->wait_idle();
    EXPECT_FALSE(late);
    EXPECT_TRUE(other);
}

TEST(Callbacks, MayLetGoOfTheirThread) {
    auto callbacks = std::make_shared<Callbacks>();
    const auto ours = scope();
    std::promise<void> gone;
    auto* const handle = callbacks.get();
    handle->post(ours, "m", [callbacks = std::move(callbacks), &gone]() mutable {
        callbacks.reset();
        gone.set_value();
    });
    gone.get_future().wait();
    ours->wait_idle();
}

}  // namespace
}  // namespace caisson::embed
