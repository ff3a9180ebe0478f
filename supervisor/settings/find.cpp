// SPDX-License-Identifier: Apache-2.0
#include "settings/find.hpp"

#include <pwd.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <system_error>

#include "base/text.hpp"
#include "settings/validate.hpp"

namespace caisson::settings {
namespace {

using std::filesystem::path;

constexpr const char* file_name = "caisson.toml";

/// A folder that an XDG variable names. The specification has relative ones ignored.
path xdg_folder(const Environment& environment, const std::string& variable) {
    const path folder = environment.variable(variable).value_or("");
    return folder.is_absolute() ? folder : path{};
}

path user_folder(const Environment& environment, const std::string& variable, const path& below_home) {
    if (path folder = xdg_folder(environment, variable); !folder.empty()) return folder;
    return environment.home.is_absolute() ? environment.home / below_home : path{};
}

/// A folder of the user's own where there is no better one.
path temporary_folder(const Environment& environment) { return cat("/tmp/caisson-", environment.uid); }

path home_folder() {
    if (const char* home = std::getenv("HOME"); home && *home == '/') return home;
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 16 * 1024> buffer{};
    if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found) return {};
    return found->pw_dir;
}

}  // namespace

Environment this_process() {
    std::error_code error;
    return {
        .variable = [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            if (!value || !*value) return std::nullopt;
            return value;
        },
        .exists =
            [](const path& file) {
                std::error_code ignored;
                return std::filesystem::exists(file, ignored);
            },
        .uid = ::geteuid(),
        .home = home_folder(),
        .directory = std::filesystem::current_path(error),
    };
}

Found find_file(const Environment& environment, const path& asked) {
    if (!asked.empty()) return {asked, "given with -c"};
    if (environment.exists(environment.directory / file_name)) return {file_name, "in the current folder"};
    const path user = user_folder(environment, "XDG_CONFIG_HOME", ".config");
    if (!user.empty() && environment.exists(user / "caisson" / file_name))
        return {user / "caisson" / file_name, "of the user"};
    const path machine = path{"/etc/caisson"} / file_name;
    if (environment.exists(machine)) return {machine, "of the machine"};
    return {{}, "built-in defaults"};
}

path default_socket(const Environment& environment) {
    if (const auto named = environment.variable("CAISSON_SOCKET"); named && !named->empty())
        return (environment.directory / *named).lexically_normal();
    if (environment.uid == 0) return "/run/caisson/caisson.sock";
    const path runtime = xdg_folder(environment, "XDG_RUNTIME_DIR");
    return runtime.empty() ? temporary_folder(environment) / "caisson.sock" : runtime / "caisson" / "caisson.sock";
}

path default_state_dir(const Environment& environment) {
    if (environment.uid == 0) return "/var/lib/caisson";
    const path state = user_folder(environment, "XDG_STATE_HOME", ".local/state");
    return state.empty() ? temporary_folder(environment) / "state" : state / "caisson";
}

path default_plugin_dir(const Environment& environment, const path& executable_dir) {
    const path prefix = (executable_dir / "..").lexically_normal();
    path installed = prefix / CAISSON_LIBDIR / "caisson" / "plugins";
    const path build_tree = prefix / "plugins";
    for (const path& folder :
         {installed, prefix / "lib" / "caisson" / "plugins", prefix / "lib64" / "caisson" / "plugins", build_tree})
        if (environment.exists(folder)) return folder;
    return installed;
}

Result<Service> with_default_paths(Service service, const Environment& environment, const path& executable_dir) {
    if (service.socket.empty()) service.socket = default_socket(environment);
    if (service.state_dir.empty()) service.state_dir = default_state_dir(environment);
    if (service.plugin_dir.empty()) service.plugin_dir = default_plugin_dir(environment, executable_dir);
    if (auto fault = socket_path_fault(service.socket)) return std::unexpected(std::move(*fault));
    return service;
}

}  // namespace caisson::settings
