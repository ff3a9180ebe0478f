// SPDX-License-Identifier: Apache-2.0
// What an operator reads who made a mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "settings/load.hpp"
#include "settings/schema.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

using testing::AllOf;
using testing::HasSubstr;

Loaded load(const std::string& text) { return load_text(text, "caisson.toml", "/etc/caisson"); }

/// The only problem of a file, as text.
std::string complaint(const std::string& text) {
    const Loaded loaded = load(text);
    EXPECT_EQ(loaded.problems.size(), 1U) << text << '\n' << text_of(loaded.problems);
    return loaded.problems.empty() ? "" : loaded.problems.front().text();
}

std::string pool_complaint(const std::string& lines) { return complaint("[pool.math]\n" + lines + "\n"); }

TEST(Problem, IsOneLineThatIsSafeOnATerminal) {
    const Problem problem{
        .file = "c.toml", .place = {12, 3}, .what = "pool math: unknown key \"x\"", .hint = "did you mean \"y\"?"};
    EXPECT_EQ(problem.text(), "c.toml:12:3: pool math: unknown key \"x\" (did you mean \"y\"?)");
    EXPECT_EQ((Problem{.file = "c.toml", .what = "w"}).text(), "c.toml: w");
    EXPECT_EQ((Problem{.what = "w"}).text(), "w");
    const std::string nasty = complaint("[pool.math]\n\"\\u001b[31m\\nx\" = 1\n");
    EXPECT_EQ(nasty.find('\x1b'), std::string::npos);
    EXPECT_EQ(nasty.find('\n'), std::string::npos);
    EXPECT_LT(complaint("[pool.math]\n" + std::string(10'000, 'k') + " = 1\n").size(), 500U);
}

TEST(UnknownKey, GetsASuggestion) {
    EXPECT_EQ(complaint("# a\n[pool.math]\n  wrokers = 4\n"),
              "caisson.toml:3:3: pool math: unknown key \"wrokers\" (did you mean \"workers\"?)");
    EXPECT_EQ(complaint("[service]\nsokcet = '/s'\n"),
              "caisson.toml:2:1: service: unknown key \"sokcet\" (did you mean \"socket\"?)");
    EXPECT_EQ(pool_complaint("restart.backof = 1"),
              "caisson.toml:2:9: pool math: unknown key \"restart.backof\" (did you mean \"restart.backoff\"?)");
    EXPECT_EQ(pool_complaint("[pool.math.restart.backoff]\njiter = 0"),
              "caisson.toml:3:1: pool math: unknown key \"restart.backoff.jiter\" (did you mean "
              "\"restart.backoff.jitter\"?)");
}

TEST(UnknownKey, HasAListWhereNothingIsNear) {
    EXPECT_EQ(pool_complaint("stop = { xyz = 1 }"),
              "caisson.toml:2:10: pool math: unknown key \"stop.xyz\" (there are grace)");
    EXPECT_THAT(complaint("[access]\nusers = []\n"), HasSubstr("(there are admin, call, group, mode, operate)"));
}

TEST(UnknownKey, DefaultsHaveNoPlugin) {
    EXPECT_THAT(complaint("[defaults]\nplugin = 'math'\n"), HasSubstr("defaults: unknown key \"plugin\""));
}

TEST(UnknownKey, DefaultsHaveNoMethods) {
    EXPECT_EQ(complaint("[defaults.methods.square]\nretries = 1\n"),
              "caisson.toml:1:11: defaults: methods does not belong here (methods are a plugin's own: say "
              "[pool.NAME.methods.METHOD])");
}

TEST(UnknownSection, GetsASuggestion) {
    EXPECT_EQ(complaint("[servcie]\n"), "caisson.toml:1:2: unknown section \"servcie\" (did you mean \"service\"?)");
    EXPECT_EQ(complaint("[pools.math]\nworkers=1\n"),
              "caisson.toml:1:2: unknown section \"pools\" (did you mean \"pool\"?)");
    EXPECT_THAT(complaint("[weather]\n"), HasSubstr("there are service, access, log, metrics, defaults and pool.NAME"));
    EXPECT_EQ(complaint("workers = 4\n"),
              "caisson.toml:1:1: unknown key \"workers\" (every key stands in a section, such as [service])");
}

TEST(Section, MustBeOne) {
    EXPECT_THAT(complaint("service = 4\n"),
                AllOf(HasSubstr("caisson.toml:1:11: \"service\" is the number 4"), HasSubstr("[service]")));
    EXPECT_THAT(complaint("[[log]]\nlevel = 'info'\n"), HasSubstr("\"log\" is an array"));
    EXPECT_THAT(complaint("[[pool]]\nname = 'math'\n"),
                AllOf(HasSubstr("\"pool\" is an array"), HasSubstr("[pool.NAME]")));
    EXPECT_THAT(complaint("[pool]\nworkers = 4\n"), HasSubstr("pool workers: is the number 4, but must be a section"));
    EXPECT_THAT(pool_complaint("limits = 5"),
                AllOf(HasSubstr("limits is the number 5, but must be a table"), HasSubstr("[pool.math.limits]")));
}

TEST(WrongType, SaysWhatIsThereAndWhatIsWanted) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"workers = 'four'",
         R"(workers is the string "four", but must be a whole number from 1 to 1024, or "cores" (for example workers = 4))"},
        {"workers = 'core'", R"(or "cores" (did you mean "cores"?))"},
        {"workers = { min = 4, max = 2 }", "workers.min, 4, is more than workers.max, 2 (make min the smaller one)"},
        {"workers = { min = 0 }", "workers.min is 0"},
        {"workers = { mni = 1 }", "unknown key \"workers.mni\" (did you mean \"workers.min\"?)"},
        {"workers = { min = 1, idle = 5 }", "workers.idle is the number 5"},
        {"workers = { min = \"cores\" }", "workers.min is the string \"cores\""},
        {"heartbeat = \"1ms\"", "heartbeat is 1ms"},
        {"max_memory = \"1KiB\"", "max_memory is 1KiB"},
        {"max_age = 5", "max_age is the number 5"},
        {"workers = 4.5", "workers is the number 4.5, but must be a whole number"},
        {"workers = [4]", "workers is an array"},
        {"enabled = 'yes'", R"(enabled is the string "yes", but must be true or false (for example enabled = true))"},
        {"timeout = 30", R"(timeout is the number 30, but must be a text with a unit (for example timeout = "30s"))"},
        {"timeout = '30'", R"(timeout is no duration: "30" has no unit (write, for example, "30s"))"},
        {"timeout = 30.5", "timeout is the number 30.5"},
        {"timeout = '-5s'", R"(timeout is no duration: "-5s" is negative)"},
        {"timeout = 2024-05-01", "timeout is the date 2024-05-01"},
        {"limits.memory = 64",
         R"(limits.memory is the number 64, but must be a text with a unit (for example memory = "64MiB"))"},
        {"limits.memory = '64MB'", R"(did you mean "64MiB"?)"},
        {"limits.files = '64'",
         R"(limits.files is the string "64", but must be a whole number, 0, or from 16 to 1048576)"},
        {"plugin = 7", "plugin is the number 7, but must be a name or a path"},
        {"env = []", "env is an array, but must be a table"},
        {"env.A = 1", "env.A is the number 1, but must be a text (put the value in quotes)"},
        {"settings = 'x'", R"(settings is the string "x", but must be a table)"},
        {"isolation = 'none'",
         R"(isolation is the string "none", but must be a table (for example [pool.math.isolation]))"},
        {"isolation.level = 'strict'", R"(isolation.level is "strict", but must be "standard" or "none")"},
        {"isolation.level = 'standart'", R"((did you mean "standard"?))"},
        {"isolation.level = 1", R"(isolation.level is the number 1, but must be "standard" or "none")"},
        {"retries = '3'", R"(retries is the string "3", but must be a whole number, from 0 to 100)"},
        {"retry_on = 'crashed'",
         R"(retry_on is the string "crashed", but must be an array of "crashed", "timed_out", "unavailable" and "failed")"},
        {"retry_on = ['crashd']",
         R"(retry_on has the string "crashd" in it, but there are "crashed", "timed_out", "unavailable" and "failed" )"
         R"((did you mean "crashed"?))"},
        {"retry_on = ['crashed', 7]", "retry_on has the number 7 in it"},
        {"retry_on = ['failed', 'crashed', 'failed']", R"(retry_on has "failed" in it twice (remove one of the two))"},
        {"retry_backoff = '1s'", "retry_backoff is the string \"1s\", but must be a table"},
        {"queue.full = 'waits'", R"(queue.full is "waits", but must be "refuse" or "wait" (did you mean "wait"?))"},
        {"methods = 3", "methods is the number 3, but must be a table"},
        {"methods.square = 3", "methods.square is the number 3, but must be a table"},
        {"methods.square.retrys = 3",
         R"(unknown key "methods.square.retrys" (did you mean "methods.square.retries"?))"},
        {"methods.square.retries = 'x'", "methods.square.retries is the string \"x\""},
        {"restart.backoff.jitter = 'x'",
         "restart.backoff.jitter is the string \"x\", but must be a number from 0 to 1"},
    };
    for (const auto& [line, expected] : cases) EXPECT_THAT(pool_complaint(line), HasSubstr(expected));
    EXPECT_THAT(
        complaint("[access]\nmode = 0o600\n"),
        HasSubstr("access: mode is the number 384, but must be octal digits in quotes (for example mode = \"0600\")"));
    EXPECT_THAT(complaint("[access]\ncall = 'alice'\n"),
                HasSubstr("call is the string \"alice\", but must be an array of names"));
    EXPECT_THAT(complaint("[access]\ncall = ['a', 5]\n"),
                HasSubstr("caisson.toml:2:14: access: call has the number 5 in it"));
    EXPECT_THAT(complaint("[log]\nlevel = 'infos'\n"), HasSubstr("(did you mean \"info\"?)"));
}

TEST(ImpossibleValue, NamesItsBound) {
    const std::vector<std::pair<std::string, std::string>> cases = {
        {"workers = 100000", "workers is 100000, above its bound of 1024 (each worker is a process"},
        {"workers = 1025", "above its bound of 1024"},
        {"workers = 0", "(to switch a pool off, say enabled = false)"},
        {"workers = -3", "workers is negative, -3"},
        {"queue.calls = 0", "queue.calls is 0, below its bound of 1"},
        {"queue.calls = -1", "queue.calls is negative, -1 (allowed is from 1 to 10000000"},
        {"queue.calls = 9223372036854775807", "above its bound of 10000000"},
        {"queue.bytes = '1B'", "queue.bytes is 1B, below its bound of 4KiB"},
        {"queue.bytes = '1TiB'", "queue.bytes is 1TiB, above its bound of 64GiB"},
        {"retries = -1", "retries is negative, -1 (allowed is from 0 to 100: "},
        {"retries = 101", "retries is 101, above its bound of 100"},
        {"retry_backoff.min = '0'", "retry_backoff.min is 0, below its bound of 1ms"},
        {"retry_backoff.min = '1min'", "retry_backoff.min, 1min, is longer than retry_backoff.max, 5s"},
        {"poison.crashes = -1", "poison.crashes is negative, -1 (allowed is 0, or from 1 to 100"},
        {"poison.window = '0'", "poison.window is 0, below its bound of 100ms"},
        {"methods.square.retries = 1000", "methods.square.retries is 1000, above its bound of 100"},
        {"methods.square.timeout = '365d'", "methods.square.timeout is 365d, above its bound of 30d"},
        {"methods.'a b' = {}", "\"a b\" is no name of a method: it has a-z, 0-9 and _"},
        {"methods.'' = { retries = 1 }", "\"\" is no name of a method"},
        {"timeout = '365d'", "timeout is 365d, above its bound of 30d (allowed is 0, or from 1ms to 30d"},
        {"restart.backoff.min = '0'", "restart.backoff.min is 0, below its bound of 1ms"},
        {"restart.backoff.steps = 0", "restart.backoff.steps is 0, below its bound of 1"},
        {"restart.backoff.jitter = 1.5", "restart.backoff.jitter is the number 1.5, but must be from 0 to 1"},
        {"restart.backoff.jitter = -0.1", "must be from 0 to 1"},
        {"restart.backoff.jitter = nan", "must be from 0 to 1"},
        {"restart.backoff.jitter = inf", "must be from 0 to 1"},
        {"restart.period = '0'", "restart.period is 0, below its bound of 100ms"},
        {"limits.memory = '1KiB'", "limits.memory is 1KiB, below its bound of 16MiB"},
        {"limits.files = 3", "limits.files is 3, below its bound of 16"},
        {"limits.start_timeout = '0'", "limits.start_timeout is 0, below its bound of 10ms"},
        {"stop.grace = '1h'", "stop.grace is 1h, above its bound of 10min"},
        {"env.1A = ''", "env.1A is no name of a variable"},
        {"env = { 'A=B' = '' }", "env.A=B is no name of a variable"},
        {R"(env.A = "a\u0000b")", "env.A has a zero byte in it"},
        {R"(plugin = "a\u0000b")", "plugin has a zero byte in it"},
        {"plugin = ''", "plugin is empty"},
        {"plugin = '~/math.so'", "only a shell expands that"},
        {"plugin = '$HOME/math.so'", "only a shell expands that"},
        {"plugin = './dir/'", "which is no library"},
        {"plugin = '..'", "which is no library"},
        {"settings.x = [1, nan]", "settings has a value that no plugin could read: nan cannot be said in JSON"},
        {"isolation.level = 'none'", "add really_none = true"},
        {"restart.backoff = { min = '2s', max = '1s' }",
         "restart.backoff.min, 2s, is longer than restart.backoff.max, 1s"},
        {"restart.backoff.max = '10ms'", "restart.backoff.min, 100ms, is longer than restart.backoff.max, 10ms"},
    };
    for (const auto& [line, expected] : cases) EXPECT_THAT(pool_complaint(line), HasSubstr(expected));
    EXPECT_THAT(pool_complaint("env.A = '" + std::string(128 * 1024, 'x') + "'"),
                HasSubstr("env.A is longer than its bound of 49152 bytes"));
    EXPECT_THAT(pool_complaint("plugin = '/" + std::string(5000, 'x') + "'"),
                HasSubstr("above a path's bound of 4095"));
}

TEST(ImpossibleValue, OfTheServiceNamesItsBoundToo) {
    EXPECT_THAT(complaint("[service]\nsocket = '/" + std::string(107, 's') + "'\n"),
                HasSubstr("service: socket is too long: "));
    EXPECT_THAT(complaint("[service]\nsocket = ''\n"),
                HasSubstr("socket is empty (leave the key out for the default)"));
    EXPECT_THAT(complaint("[service]\nmax_sessions = 0\n"), HasSubstr("max_sessions is 0, below its bound of 1"));
    EXPECT_THAT(complaint("[service]\ncrash_reports = 1000000\n"), HasSubstr("above its bound of 10000"));
    EXPECT_THAT(complaint("[service]\nhandshake_timeout = '0'\n"), HasSubstr("below its bound of 10ms"));
    EXPECT_THAT(complaint("[access]\nmode = '0888'\n"),
                HasSubstr("mode cannot be: \"0888\" is no mode (write it in octal"));
    EXPECT_THAT(complaint("[access]\nmode = '0060'\n"), HasSubstr("shuts out the owner"));
    EXPECT_THAT(complaint("[access]\ngroup = '@staff'\n"),
                HasSubstr("no name of a group (for example group = \"staff\")"));
    EXPECT_THAT(complaint("[access]\ncall = ['']\n"), HasSubstr("\"\" names nobody"));
    EXPECT_THAT(complaint("[log]\nplugin_line_bytes = '1GiB'\n"), HasSubstr("above its bound of 64KiB"));
}

TEST(PoolName, MustBeOne) {
    EXPECT_EQ(
        complaint("[pool.\"Math 2\"]\n"),
        "caisson.toml:1:7: pool Math 2: \"Math 2\" is no name of a pool: it has a-z, 0-9, _ and -, at least one and at "
        "most 64 (for example [pool.math_2])");
    EXPECT_THAT(complaint("[pool.\"\"]\n"), HasSubstr("is no name of a pool"));
    EXPECT_THAT(complaint("[pool." + std::string(65, 'a') + "]\n"), HasSubstr("is no name of a pool"));
    // An unquoted dot makes a table in a pool of that name.
    EXPECT_THAT(complaint("[pool.math.v2]\n"), HasSubstr("pool math: unknown key \"v2\""));
}

TEST(Problems, AreAllReportedInTheOrderOfTheFile) {
    const Loaded loaded = load(R"([pool.b]
wrokers = 1
timeout = 5
[service]
socket = 7
[pool.a]
workers = 0
limits = { files = 1, memory = "x" }
[nothing]
)");
    std::vector<std::uint32_t> lines;
    for (const Problem& problem : loaded.problems) lines.push_back(problem.place.line);
    EXPECT_THAT(lines, testing::ElementsAre(2, 3, 5, 7, 8, 8, 9)) << text_of(loaded.problems);
    EXPECT_FALSE(loaded.usable());
}

TEST(Problems, OfEveryKeyNameTheirKey) {
    // A date is right nowhere: each key must refuse it, and say so under its own name.
    for (const std::string& key : known_keys()) {
        if (!key.starts_with("pool.NAME.")) continue;
        const std::string name = std::regex_replace(key.substr(10), std::regex{"METHOD"}, "square");
        EXPECT_THAT(pool_complaint(name + " = 2024-05-01"),
                    AllOf(HasSubstr("pool math: " + name), HasSubstr("is the date")))
            << key;
    }
}

TEST(KnownKeys, AreThose) {
    const auto keys = known_keys();
    EXPECT_TRUE(keys.contains("service.socket"));
    EXPECT_TRUE(keys.contains("access.call"));
    EXPECT_TRUE(keys.contains("log.level"));
    EXPECT_TRUE(keys.contains("defaults.restart.backoff.min"));
    EXPECT_TRUE(keys.contains("pool.NAME.plugin"));
    EXPECT_FALSE(keys.contains("defaults.plugin"));
    EXPECT_GT(keys.size(), 70U);
}

}  // namespace
}  // namespace caisson::settings
