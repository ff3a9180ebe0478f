// SPDX-License-Identifier: Apache-2.0
// How [defaults] and [pool.NAME] become pools.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "settings/load.hpp"

namespace caisson::settings {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Loaded load(const std::string& text) { return load_text(text, "caisson.toml", "/etc/caisson"); }

Pool pool(const std::string& text) {
    const Loaded loaded = load(text);
    EXPECT_TRUE(loaded.clean()) << text_of(loaded.problems);
    return loaded.settings.pools.empty() ? Pool{} : loaded.settings.pools.front();
}

std::vector<std::string> names(const Settings& settings) {
    std::vector<std::string> result;
    for (const Pool& one : settings.pools) result.push_back(one.name);
    return result;
}

TEST(Pools, HaveEveryKey) {
    Pool expected;
    expected.name = "math";
    expected.plugin = "other";
    expected.workers = 3;
    expected.timeout = 0ms;
    expected.heartbeat = 0ms;
    expected.recycling = {.max_calls = 1, .max_age = 1h, .max_memory = MiB};
    expected.queue = {.calls = 5, .bytes = MiB, .full = QueueFull::wait};
    expected.retry = {.retries = 100,
                      .on = {RetryCause::crashed, RetryCause::timed_out, RetryCause::unavailable, RetryCause::failed},
                      .backoff_min = 1ms,
                      .backoff_max = 1ms};
    expected.poison = {.crashes = 0, .window = 1s};
    expected.methods = {{"square", {.retries = 0, .timeout = 0ms}}, {"word_count2", {.retries = 3}}};
    expected.restart = {.intensity = 0,
                        .period = 1s,
                        .call_crashes = 2,
                        .backoff = {.min = 1ms, .max = 1ms, .steps = 1, .jitter = 1},
                        .reset_after = 0ms,
                        .cooldown = 1min};
    expected.stop = {.grace = 0ms};
    expected.limits = {.memory = 0, .files = 16, .processes = 10, .file_size = KiB, .core = GiB, .start_timeout = 1s};
    expected.isolation = {.level = IsolationLevel::none, .really_none = true};
    expected.env = {{"A", ""}, {"_B2", "x=y"}};
    expected.settings_json = R"({"a":1})";
    expected.enabled = false;
    EXPECT_EQ(pool(R"(
[pool.math]
plugin = "other"
workers = 3
timeout = "0"
heartbeat = "0"
max_calls = 1
max_age = "1h"
max_memory = "1MiB"
enabled = false
retries = 100
retry_on = ["failed", "unavailable", "crashed", "timed_out"]
retry_backoff = { min = "1ms", max = "1ms" }
poison = { crashes = 0, window = "1s" }
methods = { square = { retries = 0, timeout = "0" }, word_count2 = { retries = 3 } }
queue = { calls = 5, bytes = "1MiB", full = "wait" }
stop.grace = "0"
limits = { memory = "0", files = 16, processes = 10, file_size = "1KiB", core = "1GiB", start_timeout = "1s" }
isolation = { level = "none", really_none = true }
env = { A = "", _B2 = "x=y" }
settings = { a = 1 }
[pool.math.restart]
intensity = 0
period = "1s"
call_crashes = 2
reset_after = "0"
cooldown = "1min"
backoff = { min = "1ms", max = "1ms", steps = 1, jitter = 1 }
)"),
              expected);
}

TEST(Pools, TakeTheDefaultsKeyByKey) {
    const Pool math = pool(R"(
[defaults]
workers = 2
timeout = "5s"
limits = { memory = "1GiB", files = 100 }
retries = 2
retry_on = ["timed_out"]
retry_backoff.min = "1s"
restart.backoff = { min = "1s", jitter = 0.5 }
env = { A = "default", B = "default" }
settings = { deep = { x = 1, y = 1 }, list = [1, 2] }
[pool.math]
workers = "cores"
limits.files = 200
retry_on = []
retry_backoff.max = "2s"
restart.backoff.max = "2s"
env.A = "own"
settings = { deep = { y = 2 }, list = [3] }
)");
    EXPECT_EQ(math.workers, std::nullopt);
    EXPECT_EQ(math.timeout, 5s);
    EXPECT_EQ(math.limits.memory, GiB);
    EXPECT_EQ(math.limits.files, 200U);
    EXPECT_EQ(math.retry, (Retry{.retries = 2, .on = {}, .backoff_min = 1s, .backoff_max = 2s}));
    EXPECT_EQ(math.restart.backoff, (Backoff{.min = 1s, .max = 2s, .steps = 10, .jitter = 0.5}));
    EXPECT_EQ(math.env, (std::map<std::string, std::string>{{"A", "own"}, {"B", "default"}}));
    EXPECT_EQ(math.settings_json, R"({"deep":{"x":1,"y":2},"list":[3]})");
}

TEST(Pools, MayHaveATableOfWorkers) {
    const Pool elastic = pool("[defaults]\nworkers = { min = 2, idle = \"5s\" }\n[pool.a]\nworkers.max = 8\n");
    EXPECT_EQ(elastic.elastic, (Elastic{.min = 2, .max = 8, .idle = 5s, .grow_after = 100ms}));
    EXPECT_EQ(elastic.workers, std::nullopt);
    EXPECT_EQ(worker_count(elastic), 2U);
    EXPECT_EQ(most_workers(elastic), 8U);
    EXPECT_EQ(pool("[defaults]\nworkers = { min = 2 }\n[pool.a]\nworkers = 3\n").elastic, std::nullopt);
    EXPECT_EQ(pool("[defaults]\nworkers = 3\n[pool.a]\nworkers = {}\n").elastic, Elastic{});
    EXPECT_GE(most_workers(pool("[pool.a]\nworkers = { min = 3 }\n")), 3U);
}

TEST(Pools, TakeTheDefaultsWhereverTheyStand) { EXPECT_EQ(pool("[pool.a]\n[defaults]\nworkers = 7\n").workers, 7U); }

TEST(Pools, GiveDiscoveredOnesTheDefaults) {
    const Settings settings = load("[defaults]\nworkers = 7\nenv.A = 'x'\n").settings;
    const Pool found = settings.discovered("text", "/p/libtext.so");
    EXPECT_EQ(found.name, "text");
    EXPECT_EQ(found.plugin, "/p/libtext.so");
    EXPECT_EQ(found.workers, 7U);
    EXPECT_THAT(found.env, ElementsAre(Pair("A", "x")));
}

TEST(Pools, StandInTheOrderOfTheFile) {
    EXPECT_THAT(names(load("[pool.c]\n[pool.a]\n[service]\n[pool.b]\n").settings), ElementsAre("c", "a", "b"));
    EXPECT_THAT(names(load("[pool]\nz = {}\ny = {}\n").settings), ElementsAre("z", "y"));
}

TEST(Pools, FindTheirPlugins) {
    EXPECT_EQ(pool("[pool.math]").plugin, "math");  // its own name
    EXPECT_EQ(pool("[pool.a]\nplugin = 'math'").plugin, "math");
    EXPECT_EQ(pool("[pool.a]\nplugin = 'libmath.so'").plugin, "libmath.so");
    EXPECT_EQ(pool("[pool.a]\nplugin = './math.so'").plugin, "/etc/caisson/math.so");
    EXPECT_EQ(pool("[pool.a]\nplugin = '../x/math.so'").plugin, "/etc/x/math.so");
    EXPECT_EQ(pool("[pool.a]\nplugin = '/x/math.so'").plugin, "/x/math.so");
}

TEST(Pools, HandAnySettingsOnAsJson) {
    EXPECT_EQ(pool(R"(
[pool.a.settings]
text = "é \" \\ \n"
number = -9223372036854775808
real = 0.5
yes = true
day = 2024-05-01
time = 07:32:00
when = 2024-05-01T07:32:00.5+02:00
list = [1, "two", [3.5], { four = 4 }]
empty = {}
[[pool.a.settings.tables]]
x = 1
[[pool.a.settings.tables]]
"a b" = 2
)")
                  .settings_json,
              R"({"day":"2024-05-01","empty":{},"list":[1,"two",[3.5],{"four":4}],"number":-9223372036854775808,)"
              R"("real":0.5,"tables":[{"x":1},{"a b":2}],"text":"é \" \\ \n","time":"07:32:00",)"
              R"("when":"2024-05-01T07:32:00.5+02:00","yes":true})");
}

TEST(Pools, DoNotStopEachOther) {
    const Loaded loaded = load(R"(
[pool.good]
workers = 1
[pool.bad]
plugin = "math"
workers = -1
[pool.Ugly]
[pool.fine]
)");
    EXPECT_TRUE(loaded.usable());
    EXPECT_FALSE(loaded.clean());
    EXPECT_THAT(names(loaded.settings), ElementsAre("good", "fine"));
    EXPECT_THAT(loaded.settings.rejected, ElementsAre(Pair("Ugly", "Ugly"), Pair("bad", "math")));
    ASSERT_EQ(loaded.problems.size(), 2U);
    EXPECT_EQ(loaded.problems[0].scope, Scope::pool);
    EXPECT_EQ(loaded.problems[0].pool, "bad");
    EXPECT_EQ(loaded.problems[0].place, (Place{6, 11}));
    EXPECT_EQ(loaded.problems[1].pool, "Ugly");
}

TEST(Pools, AreNoneTheFewerForAProblemOfTheFile) {
    for (const auto* text : {"[service]\nx = 1\n", "[access]\nmode = 'x'\n", "[log]\nlevel = 'x'\n",
                             "[defaults]\nworkers = 0\n", "[metrics]\nlisten = 1\n", "[nonsense]\n", "pool = 4\n"}) {
        const Loaded loaded = load(text);
        EXPECT_FALSE(loaded.usable()) << text;
        ASSERT_EQ(loaded.problems.size(), 1U) << text_of(loaded.problems);
        EXPECT_EQ(loaded.problems[0].scope, Scope::file);
    }
}

TEST(Pools, AreBounded) {
    std::string text;
    for (int number = 0; number < 256; ++number) text += "[pool.p" + std::to_string(number) + "]\n";
    EXPECT_TRUE(load(text).clean());
    const Loaded loaded = load(text + "[pool.more]\n");
    EXPECT_FALSE(loaded.usable());
    EXPECT_THAT(text_of(loaded.problems), HasSubstr("there are 257 pools, above the bound of 256"));
}

TEST(Pools, OfBadDefaultsAreNotBlamed) {
    const Loaded loaded = load("[defaults]\nrestart.backoff = { min = '2s', max = '1s' }\n[pool.a]\n[pool.b]\n");
    ASSERT_EQ(loaded.problems.size(), 1U) << text_of(loaded.problems);
    EXPECT_THAT(loaded.problems[0].text(), HasSubstr("caisson.toml:2:"));
    EXPECT_THAT(loaded.problems[0].text(), HasSubstr("defaults: restart.backoff.min, 2s, is longer"));
}

}  // namespace
}  // namespace caisson::settings
