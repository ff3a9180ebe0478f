// SPDX-License-Identifier: Apache-2.0
#include "settings/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "wire/frame.hpp"

namespace caisson::settings {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(PoolName, IsSmallLettersDigitsAndTwoSigns) {
    for (const auto* name : {"a", "math", "math-2", "my_pool", "0", "-", "_"}) EXPECT_TRUE(is_pool_name(name)) << name;
    EXPECT_TRUE(is_pool_name(std::string(64, 'a')));
    EXPECT_FALSE(is_pool_name(std::string(65, 'a')));
    for (const auto* name : {"", "Math", "ma th", "math.2", "a/b", "..", "é", "a\n"})
        EXPECT_FALSE(is_pool_name(name)) << name;
    EXPECT_FALSE(is_pool_name(std::string_view{"a\0b", 3}));
}

TEST(PoolName, HasANeighbourThatIsAllowed) {
    EXPECT_EQ(near_pool_name("Math 2"), "math_2");
    EXPECT_EQ(near_pool_name("a.b"), "a_b");
    EXPECT_EQ(near_pool_name(""), "NAME");
    EXPECT_EQ(near_pool_name("..."), "NAME");
    EXPECT_TRUE(is_pool_name(near_pool_name(std::string(100, 'X'))));
}

TEST(MethodName, IsSmallLettersDigitsAndUnderscore) {
    for (const auto* name : {"square", "word_count2", "0", "_"}) EXPECT_TRUE(is_method_name(name)) << name;
    EXPECT_TRUE(is_method_name(std::string(64, 'a')));
    EXPECT_FALSE(is_method_name(std::string(65, 'a')));
    for (const auto* name : {"", "Square", "a-b", "a.b", "a b", "é"}) EXPECT_FALSE(is_method_name(name)) << name;
}

TEST(EnvName, IsWhatAShellTakes) {
    for (const auto* name : {"HOME", "_", "a1", "OMP_NUM_THREADS"}) EXPECT_TRUE(is_env_name(name)) << name;
    for (const auto* name : {"", "1A", "A=B", "A-B", "A B", "é"}) EXPECT_FALSE(is_env_name(name)) << name;
}

TEST(SocketPath, FitsIntoSunPath) {
    EXPECT_FALSE(socket_path_fault(std::string(107, 'a')));
    const auto fault = socket_path_fault(std::string(108, 'a'));
    ASSERT_TRUE(fault);
    EXPECT_THAT(fault->what, HasSubstr("has 108 bytes"));
    EXPECT_THAT(fault->what, HasSubstr("at most 107"));
    EXPECT_FALSE(fault->hint.empty());
}

TEST(Mode, IsOctalAndLetsTheServiceIn) {
    for (const auto* mode : {"0600", "0660", "0666", "600", "0770"}) EXPECT_FALSE(mode_fault(mode)) << mode;
    for (const auto* mode :
         {"", "6", "0800", "rw-------", "06000", "1600", "4755", "0060", "0400", "0x1f", "-600", "0o600"})
        EXPECT_TRUE(mode_fault(mode)) << mode;
    EXPECT_EQ(mode_bits("0660"), 0660U);
    EXPECT_EQ(mode_bits("777"), 0777U);
}

TEST(AccessEntry, IsAUserAGroupOrEverybody) {
    for (const auto* entry : {"alice", "@staff", "*", "www-data", "1000", "DOMAIN\\alice"})
        EXPECT_FALSE(access_entry_fault(entry)) << entry;
    for (const auto* entry : {"", "@", "al ice", "a:b", "@@staff", "**", "a@b", "a\n"})
        EXPECT_TRUE(access_entry_fault(entry)) << entry;
}

TEST(Bounds, HoldTheDefaults) {
    const Settings defaults;
    const Pool pool;
    EXPECT_TRUE(bounds::crash_reports.allows(defaults.service.crash_reports));
    EXPECT_TRUE(bounds::sessions.allows(defaults.service.max_sessions));
    EXPECT_TRUE(bounds::sessions.allows(defaults.service.max_sessions_per_user));
    EXPECT_TRUE(bounds::handshake_timeout.allows(defaults.service.handshake_timeout));
    EXPECT_TRUE(bounds::idle_timeout.allows(defaults.service.idle_timeout));
    EXPECT_FALSE(mode_fault(defaults.access.mode));
    EXPECT_TRUE(bounds::plugin_lines.allows(defaults.log.plugin_lines));
    EXPECT_TRUE(bounds::plugin_line_bytes.allows(defaults.log.plugin_line_bytes));
    EXPECT_TRUE(bounds::timeout.allows(pool.timeout));
    EXPECT_TRUE(bounds::queue_calls.allows(pool.queue.calls));
    EXPECT_TRUE(bounds::queue_bytes.allows(pool.queue.bytes));
    EXPECT_TRUE(bounds::retries.allows(pool.retry.retries));
    EXPECT_EQ(bounds::retries.max, wire::max_retries);
    EXPECT_TRUE(bounds::retry_backoff.allows(pool.retry.backoff_min));
    EXPECT_TRUE(bounds::retry_backoff.allows(pool.retry.backoff_max));
    EXPECT_TRUE(bounds::poison_crashes.allows(pool.poison.crashes));
    EXPECT_TRUE(bounds::poison_window.allows(pool.poison.window));
    EXPECT_TRUE(bounds::limit_memory.allows(pool.limits.memory));
    EXPECT_TRUE(bounds::limit_files.allows(pool.limits.files));
    EXPECT_TRUE(bounds::start_timeout.allows(pool.limits.start_timeout));
    EXPECT_THAT(contradictions(pool), IsEmpty());
}

TEST(Contradictions, AreFound) {
    Pool pool;
    pool.retry.backoff_min = 6s;
    pool.restart.backoff = {.min = 2s, .max = 1s};
    pool.isolation.level = IsolationLevel::none;
    const auto found = contradictions(pool);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].key, "retry_backoff.min");
    EXPECT_EQ(found[0].error.what, "retry_backoff.min, 6s, is longer than retry_backoff.max, 5s");
    EXPECT_EQ(found[1].key, "restart.backoff.min");
    EXPECT_EQ(found[1].error.what, "restart.backoff.min, 2s, is longer than restart.backoff.max, 1s");
    EXPECT_EQ(found[2].key, "isolation.level");
    EXPECT_THAT(found[2].error.hint, HasSubstr("really_none = true"));

    pool.retry.backoff_min = 5s;
    pool.restart.backoff.max = 2s;
    pool.isolation.really_none = true;
    EXPECT_THAT(contradictions(pool), IsEmpty());
}

TEST(WorkerCount, IsWhatIsSaidOrTheCores) {
    EXPECT_EQ(worker_count({.workers = 7}), 7U);
    const std::uint32_t cores = worker_count(Pool{});
    EXPECT_GE(cores, 1U);
    EXPECT_LE(cores, bounds::workers.max);
}

}  // namespace
}  // namespace caisson::settings
