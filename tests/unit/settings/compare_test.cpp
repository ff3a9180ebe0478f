// SPDX-License-Identifier: Apache-2.0
#include "settings/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "settings/load.hpp"
#include "settings/problem.hpp"
#include "settings/schema.hpp"

namespace caisson::settings {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Settings read(const std::string& text) {
    const Loaded loaded = load_text(text, "t.toml", "/etc/caisson");
    EXPECT_TRUE(loaded.clean()) << text_of(loaded.problems);
    return loaded.settings;
}

std::vector<Change> between(const std::string& now, const std::string& next) { return changes(read(now), read(next)); }

TEST(Changes, AreNoneBetweenEquals) {
    EXPECT_THAT(changes({}, {}), IsEmpty());
    EXPECT_THAT(between("[pool.a]\nworkers = 4", "[pool.a]\nworkers=4\ntimeout = \"60s\""), IsEmpty());
}

TEST(Changes, ResizeAPool) {
    EXPECT_THAT(between("[pool.math]\nworkers = 4", "[pool.math]\nworkers = 8"),
                ElementsAre(Change{Change::resized, "math", "pool math: workers 4 -> 8"}));
    EXPECT_THAT(between("[pool.math]\nworkers = 4", "[pool.math]"),
                ElementsAre(Change{Change::resized, "math", "pool math: workers 4 -> \"cores\""}));
}

TEST(Changes, BetweenANumberAndATableOfWorkers) {
    EXPECT_THAT(between("[pool.a]\nworkers = 4", "[pool.a]\nworkers = { min = 2, idle = \"5s\" }"),
                ElementsAre(Change{Change::resized, "a",
                                   "pool a: workers 4 -> { min = 2, idle = \"5s\", grow_after = \"100ms\" }"}));
    EXPECT_THAT(between("[pool.a]\nworkers = { max = 4 }", "[pool.a]\nworkers = { max = 5 }"), testing::SizeIs(1));
    EXPECT_THAT(between("[pool.a]\nworkers = { min = 1 }", "[pool.a]\nworkers = {}"), IsEmpty());
}

TEST(Changes, OfSparesAndOfTheStartNeedNoNewWorkers) {
    EXPECT_THAT(between("[pool.math]", "[pool.math]\nspares = 2\nstart = \"zygote\""),
                ElementsAre(Change{Change::resized, "math", "pool math: spares 0 -> 2"},
                            Change{Change::adjusted, "math", "pool math: start \"exec\" -> \"zygote\""}));
}

TEST(Changes, AddAndRemovePools) {
    EXPECT_THAT(between("[pool.a]\n[pool.b]\nworkers=2", "[pool.b]\nworkers=2\n[pool.c]\nworkers=3"),
                ElementsAre(Change{Change::removed, "a", "pool a: removed"},
                            Change{Change::added, "c", "pool c: added, workers 3"}));
}

TEST(Changes, TakeAPoolThatIsOffForNone) {
    const std::string on = "[pool.a]\nworkers=1";
    const std::string off = on + "\nenabled = false";
    EXPECT_THAT(between(on, off), ElementsAre(Change{Change::removed, "a", "pool a: removed"}));
    EXPECT_THAT(between(off, on), ElementsAre(Change{Change::added, "a", "pool a: added, workers 1"}));
    EXPECT_THAT(between(off, "[pool.a]\nenabled = false\nworkers = 9"), IsEmpty());
    EXPECT_THAT(between(off, ""), IsEmpty());
}

TEST(Changes, RollWhatAWorkerIsBornWith) {
    EXPECT_THAT(
        between("[pool.a]\n[pool.a.env]\nTOKEN='old'\n[pool.a.settings]\nx=1",
                "[pool.a]\nplugin='b'\nlimits={memory='1GiB'}\n[pool.a.env]\nTOKEN='new'\n[pool.a.settings]\nx=2"),
        ElementsAre(Change{Change::tried, "a", R"(pool a: plugin "a" -> "b")"},
                    Change{Change::rolled, "a", "pool a: limits.memory 4GiB -> 1GiB"},
                    Change{Change::rolled, "a", "pool a: env changed"},
                    Change{Change::rolled, "a", "pool a: settings changed"}));
}

TEST(Changes, AdjustTheRestAtOnce) {
    EXPECT_THAT(between("[pool.a]", "[pool.a]\ntimeout='30s'\nlimits={start_timeout='1min'}\nstop={grace='1s'}"),
                ElementsAre(Change{Change::adjusted, "a", "pool a: timeout 1min -> 30s"},
                            Change{Change::adjusted, "a", "pool a: stop.grace 2s -> 1s"},
                            Change{Change::adjusted, "a", "pool a: limits.start_timeout 10s -> 1min"}));
}

TEST(Changes, OfRetriesAndPoisonApplyAtOnce) {
    EXPECT_THAT(
        between("[pool.a]",
                "[pool.a]\nretries=2\nretry_on=['failed','crashed']\nqueue={full='wait'}\n"
                "poison={crashes=0}\nmethods={b={retries=1},c={timeout='1s',retries=0},d={}}"),
        ElementsAre(Change{Change::adjusted, "a", R"(pool a: queue.full "refuse" -> "wait")"},
                    Change{Change::adjusted, "a", "pool a: retries 0 -> 2"},
                    Change{Change::adjusted, "a", R"(pool a: retry_on ["crashed"] -> ["crashed", "failed"])"},
                    Change{Change::adjusted, "a", "pool a: poison.crashes 3 -> 0"},
                    Change{Change::adjusted, "a",
                           "pool a: methods {} -> { b = { retries = 1 }, c = { retries = 0, timeout = \"1s\" } }"}));
}

TEST(Changes, OfDefaultsShowInThePoolsThatHaveThem) {
    EXPECT_THAT(between("[defaults]\nworkers=1\n[pool.a]\n[pool.b]\nworkers=5",
                        "[defaults]\nworkers=2\n[pool.a]\n[pool.b]\nworkers=5"),
                ElementsAre(Change{Change::resized, "a", "pool a: workers 1 -> 2"}));
}

TEST(Changes, OfTheServiceComeFirst) {
    EXPECT_THAT(between("[pool.a]\nworkers=1",
                        "[pool.a]\nworkers=2\n[service]\nsocket='/s'\n[log]\nlevel='debug'\n[access]\ncall=['@x']"),
                ElementsAre(Change{Change::restart, "", "service.socket: needs a restart of the service"},
                            Change{Change::adjusted, "", R"(access.call [] -> ["@x"])"},
                            Change{Change::adjusted, "", R"(log.level "info" -> "debug")"},
                            Change{Change::resized, "a", "pool a: workers 1 -> 2"}));
}

TEST(Changes, IgnoreWhereTheFileIs) {
    Settings now;
    Settings next;
    next.file = "/elsewhere.toml";
    EXPECT_THAT(changes(now, next), IsEmpty());
}

/// A file in which each key of [service], [access], [log] or [pool.NAME] has another value than the default.
const char* const everything_else = R"(
[service]
socket = "/s"
plugin_dir = "/p"
discover = false
watch = false
settle = "7ms"
state_dir = "/d"
crash_reports = 7
max_sessions = 7
max_sessions_per_user = 7
handshake_timeout = "7s"
idle_timeout = "7s"
drain = "7s"
upgrade_timeout = "7s"
[access]
mode = "0660"
group = "g"
call = ["a"]
operate = ["a"]
admin = ["a"]
[log]
level = "warn"
format = "json"
file = "/l"
plugin_lines = 7
plugin_line_bytes = "7KiB"
[metrics]
listen = "off"
hosts = ["x"]
page = false
operate = true
[pool.NAME]
plugin = "other"
workers = 7
spares = 7
start = "zygote"
timeout = "7s"
heartbeat = "7s"
max_calls = 7
max_age = "7s"
max_memory = "7MiB"
retries = 7
retry_on = ["failed"]
[pool.NAME.retry_backoff]
min = "7ms"
max = "7s"
[pool.NAME.poison]
crashes = 7
window = "7s"
[pool.NAME.methods.square]
retries = 7
timeout = "7s"
[pool.NAME.queue]
calls = 7
bytes = "7KiB"
full = "wait"
[pool.NAME.restart]
intensity = 7
period = "7s"
call_crashes = 7
reset_after = "7s"
cooldown = "7s"
[pool.NAME.restart.backoff]
min = "7ms"
max = "7s"
steps = 7
jitter = 0.7
[pool.NAME.canary]
calls = 7
time = "7s"
[pool.NAME.stop]
grace = "7s"
[pool.NAME.limits]
memory = "1GiB"
files = 77
processes = 7
file_size = "7KiB"
core = "7KiB"
start_timeout = "7s"
[pool.NAME.isolation]
level = "none"
really_none = true
[pool.NAME.env]
A = "7"
[pool.NAME.settings]
a = 7
)";

/// Every key that a file can have is compared: who adds one and forgets it here, learns it from this test.
TEST(Changes, SeeEveryKey) {
    std::string name = "name";
    std::string text = everything_else;
    for (std::size_t at = 0; (at = text.find("NAME")) != std::string::npos;) text.replace(at, 4, name);
    std::set<std::string> seen;
    for (const Change& change : between("[pool.name]", text)) {
        const std::string start = change.pool.empty() ? "" : "pool.NAME.";
        std::string key = change.pool.empty() ? change.text : change.text.substr(change.text.find(": ") + 2);
        seen.insert(start + key.substr(0, key.find_first_of(" :")));
    }
    std::set<std::string> expected = known_keys();
    // Tables, defaults (seen in pools), and what other tests show.
    std::erase_if(expected, [](const std::string& key) { return key.starts_with("defaults."); });
    for (const auto* key :
         {"pool.NAME.methods.METHOD", "pool.NAME.methods.METHOD.retries", "pool.NAME.methods.METHOD.timeout",
          "pool.NAME.retry_backoff", "pool.NAME.poison", "pool.NAME.queue", "pool.NAME.restart",
          "pool.NAME.restart.backoff", "pool.NAME.canary", "pool.NAME.stop", "pool.NAME.limits", "pool.NAME.isolation",
          "pool.NAME.isolation.really_none", "pool.NAME.enabled", "pool.NAME.workers.min", "pool.NAME.workers.max",
          "pool.NAME.workers.idle", "pool.NAME.workers.grow_after"})
        EXPECT_EQ(expected.erase(key), 1U) << key;
    EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace caisson::settings
