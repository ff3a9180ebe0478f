// SPDX-License-Identifier: Apache-2.0
#include "settings/find.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

namespace caisson::settings {
namespace {

using testing::HasSubstr;

/// A machine that a test says.
struct Machine {
    std::map<std::string, std::string> variables = {};
    std::set<std::filesystem::path> files = {};
    std::uint32_t uid = 1000;
    std::filesystem::path home = "/home/alice";

    [[nodiscard]] Environment environment() const {
        return {
            .variable = [variables = variables](const std::string& name) -> std::optional<std::string> {
                const auto found = variables.find(name);
                return found == variables.end() ? std::nullopt : std::optional{found->second};
            },
            .exists = [files = files](const std::filesystem::path& file) { return files.contains(file); },
            .uid = uid,
            .home = home,
            .directory = "/here",
        };
    }
};

Found find(const Machine& machine, const std::filesystem::path& asked = {}) {
    return find_file(machine.environment(), asked);
}

TEST(FindFile, GoesFromNearToFar) {
    Machine machine{
        .files = {"/here/caisson.toml", "/home/alice/.config/caisson/caisson.toml", "/etc/caisson/caisson.toml"}};
    EXPECT_EQ(find(machine, "other.toml"), (Found{"other.toml", "given with -c"}));
    EXPECT_EQ(find(machine), (Found{"caisson.toml", "in the current folder"}));
    machine.files.erase("/here/caisson.toml");
    EXPECT_EQ(find(machine), (Found{"/home/alice/.config/caisson/caisson.toml", "of the user"}));
    machine.files.erase("/home/alice/.config/caisson/caisson.toml");
    EXPECT_EQ(find(machine), (Found{"/etc/caisson/caisson.toml", "of the machine"}));
    machine.files.clear();
    EXPECT_EQ(find(machine), (Found{"", "built-in defaults"}));
}

TEST(FindFile, FollowsXdgWhereItIsAbsolute) {
    Machine machine{.variables = {{"XDG_CONFIG_HOME", "/xdg"}}, .files = {"/xdg/caisson/caisson.toml"}};
    EXPECT_EQ(find(machine).file, "/xdg/caisson/caisson.toml");
    machine.variables["XDG_CONFIG_HOME"] = "xdg";
    machine.files = {"/home/alice/.config/caisson/caisson.toml", "xdg/caisson/caisson.toml"};
    EXPECT_EQ(find(machine).file, "/home/alice/.config/caisson/caisson.toml");
}

TEST(FindFile, DoesWithoutAHome) { EXPECT_EQ(find({.files = {".config/caisson/caisson.toml"}, .home = ""}).file, ""); }

TEST(DefaultSocket, IsWhereTheUserMayPutIt) {
    const auto socket = [](const Machine& machine) { return default_socket(machine.environment()); };
    EXPECT_EQ(socket({.variables = {{"XDG_RUNTIME_DIR", "/run/user/1000"}}}), "/run/user/1000/caisson/caisson.sock");
    EXPECT_EQ(socket({}), "/tmp/caisson-1000/caisson.sock");
    EXPECT_EQ(socket({.variables = {{"XDG_RUNTIME_DIR", "relative"}}}), "/tmp/caisson-1000/caisson.sock");
    EXPECT_EQ(socket({.variables = {{"XDG_RUNTIME_DIR", "/run/user/0"}}, .uid = 0}), "/run/caisson/caisson.sock");
    EXPECT_EQ(socket({.variables = {{"CAISSON_SOCKET", "/a/b.sock"}}, .uid = 0}), "/a/b.sock");
    EXPECT_EQ(socket({.variables = {{"CAISSON_SOCKET", "./b.sock"}}}), "/here/b.sock");
    EXPECT_EQ(socket({.variables = {{"CAISSON_SOCKET", ""}}}), "/tmp/caisson-1000/caisson.sock");
}

TEST(DefaultStateDir, IsTheUsersOrTheMachines) {
    const auto state = [](const Machine& machine) { return default_state_dir(machine.environment()); };
    EXPECT_EQ(state({.uid = 0}), "/var/lib/caisson");
    EXPECT_EQ(state({}), "/home/alice/.local/state/caisson");
    EXPECT_EQ(state({.variables = {{"XDG_STATE_HOME", "/state"}}}), "/state/caisson");
    EXPECT_EQ(state({.home = ""}), "/tmp/caisson-1000/state");
}

TEST(DefaultPluginDir, IsOfTheInstallationElseOfTheBuildTree) {
    const auto plugins = [](const Machine& machine, const std::filesystem::path& bin) {
        return default_plugin_dir(machine.environment(), bin);
    };
    EXPECT_EQ(plugins({.files = {"/usr/lib/caisson/plugins"}}, "/usr/bin"), "/usr/lib/caisson/plugins");
    EXPECT_EQ(plugins({.files = {"/opt/lib64/caisson/plugins"}}, "/opt/bin"), "/opt/lib64/caisson/plugins");
    EXPECT_EQ(plugins({.files = {"/src/build/plugins"}}, "/src/build/bin"), "/src/build/plugins");
    EXPECT_EQ(plugins({.files = {"/src/build/plugins"}}, "/src/build/bin/"), "/src/build/plugins");
    // Nothing there: the place where an installation would put them, for the message.
    EXPECT_THAT(plugins({}, "/usr/bin").native(), testing::MatchesRegex("/usr/lib.*/caisson/plugins"));
}

TEST(WithDefaultPaths, FillsWhatIsOpenAndKeepsWhatIsSaid) {
    const Machine machine;
    const auto filled = with_default_paths({}, machine.environment(), "/usr/bin");
    ASSERT_TRUE(filled);
    EXPECT_EQ(filled->socket, "/tmp/caisson-1000/caisson.sock");
    EXPECT_EQ(filled->state_dir, "/home/alice/.local/state/caisson");
    EXPECT_FALSE(filled->plugin_dir.empty());

    const Service said{.socket = "/s", .plugin_dir = "/p", .state_dir = "/d"};
    EXPECT_EQ(*with_default_paths(said, machine.environment(), "/usr/bin"), said);
}

TEST(WithDefaultPaths, ChecksADefaultSocketToo) {
    const Machine machine{.variables = {{"XDG_RUNTIME_DIR", "/" + std::string(100, 'r')}}};
    const auto filled = with_default_paths({}, machine.environment(), "/usr/bin");
    ASSERT_FALSE(filled);
    EXPECT_THAT(filled.error().what, HasSubstr("at most 107"));
}

TEST(ThisProcess, AnswersForReal) {
    const Environment environment = this_process();
    EXPECT_TRUE(environment.exists("/"));
    EXPECT_FALSE(environment.exists("/there/is/no/such/file"));
    EXPECT_TRUE(environment.directory.is_absolute());
    EXPECT_EQ(environment.variable("CAISSON_THERE_IS_NO_SUCH_VARIABLE"), std::nullopt);
}

}  // namespace
}  // namespace caisson::settings
