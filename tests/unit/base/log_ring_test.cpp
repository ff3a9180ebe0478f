// SPDX-License-Identifier: Apache-2.0
#include "base/log_ring.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace caisson {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

LogRecord record(std::string message, std::string event = {}, std::string pool = {}) {
    return {.time = "now",
            .event = std::move(event),
            .pool = std::move(pool),
            .message = std::move(message),
            .fields = "{}"};
}

std::vector<std::string> messages(const LogRing::Found& found) {
    std::vector<std::string> all;
    for (const auto* const one : found.records) all.push_back(one->message);
    return all;
}

TEST(LogRing, NumbersAreFromOneAndInOrder) {
    LogRing ring{10, 10'000};
    EXPECT_EQ(ring.add(record("a")).sequence, 1U);
    EXPECT_EQ(ring.add(record("b")).sequence, 2U);
    EXPECT_EQ(ring.newest(), 2U);
}

TEST(LogRing, ANewcomerGetsTheLastOnesAndAsksOnWithTheNewest) {
    LogRing ring{10, 10'000};
    for (const char* const message : {"a", "b", "c"}) ring.add(record(message));
    const auto found = ring.last({.limit = 2});
    EXPECT_THAT(messages(found), ElementsAre("b", "c"));
    EXPECT_EQ(found.next, 3U);
    EXPECT_THAT(messages(ring.after(found.next, {.limit = 10})), IsEmpty());
    ring.add(record("d"));
    EXPECT_THAT(messages(ring.after(found.next, {.limit = 10})), ElementsAre("d"));
}

TEST(LogRing, WhoComesTooLateIsToldHowMuchIsGone) {
    LogRing ring{3, 10'000};
    for (int i = 1; i <= 10; ++i) ring.add(record(std::to_string(i)));
    const auto found = ring.after(2, {.limit = 10});
    EXPECT_THAT(messages(found), ElementsAre("8", "9", "10"));
    EXPECT_EQ(found.lost, 5U);
    EXPECT_EQ(ring.after(7, {.limit = 10}).lost, 0U);
}

TEST(LogRing, IsBoundedInBytesAndKeepsTheNewestWhateverItsSize) {
    LogRing ring{1000, 2000};
    for (int i = 0; i < 100; ++i) ring.add(record(std::string(100, 'x')));
    EXPECT_LT(ring.last({.limit = 1000}).records.size(), 11U);
    ring.add(record(std::string(100'000, 'y')));
    EXPECT_EQ(ring.last({.limit = 1000}).records.size(), 1U);
}

TEST(LogRing, EventsAndPoolsAreFoundAmongTheRest) {
    LogRing ring{10, 10'000};
    ring.add(record("line of math", "", "math"));
    ring.add(record("event of math", "worker_ready", "math"));
    ring.add(record("event of chaos", "worker_ready", "chaos"));
    ring.add(record("event", "service_started"));
    EXPECT_THAT(messages(ring.last({.events_only = true, .limit = 10})),
                ElementsAre("event of math", "event of chaos", "event"));
    EXPECT_THAT(messages(ring.last({.events_only = true, .pool = "math", .limit = 10})), ElementsAre("event of math"));
    EXPECT_THAT(messages(ring.after(0, {.pool = "math", .limit = 10})), ElementsAre("line of math", "event of math"));
}

TEST(LogRing, ALimitCutsWhereOneCanGoOn) {
    LogRing ring{10, 10'000};
    for (const char* const message : {"a", "b", "c", "d"}) ring.add(record(message));
    const auto first = ring.after(0, {.limit = 3});
    EXPECT_THAT(messages(first), ElementsAre("a", "b", "c"));
    EXPECT_THAT(messages(ring.after(first.next, {.limit = 3})), ElementsAre("d"));
    EXPECT_THAT(messages(ring.after(0, {.limit = 0})), IsEmpty());
}

TEST(LogRing, WhoHasHeardOfMoreThanThereIsBeginsAnew) {
    LogRing ring{10, 10'000};
    ring.add(record("a"));
    EXPECT_THAT(messages(ring.after(999, {.limit = 10})), ElementsAre("a"));
}

TEST(LogRing, WhoIsAlwaysAskedForMoreNeverLooksTwice) {
    LogRing ring{10, 10'000};
    ring.add(record("line"));
    const auto found = ring.after(0, {.events_only = true, .limit = 10});
    EXPECT_THAT(messages(found), IsEmpty());
    EXPECT_EQ(found.next, 1U);
}

}  // namespace
}  // namespace caisson
