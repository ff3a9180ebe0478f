// SPDX-License-Identifier: Apache-2.0
#include "keeper/children.hpp"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace caisson::keeper {
namespace {

// The parent of `pid`: the second field after the name in /proc/PID/stat. The name may hold spaces and parentheses.
std::optional<pid_t> parent_of(const std::filesystem::path& process) {
    std::ifstream file(process / "stat");
    std::string stat;
    if (!std::getline(file, stat, '\0')) return std::nullopt;
    const auto name_end = stat.rfind(')');
    if (name_end == std::string::npos || stat.size() < name_end + 5) return std::nullopt;
    pid_t parent = 0;
    const char* const begin = stat.data() + name_end + 4;  // ") S "
    if (std::from_chars(begin, stat.data() + stat.size(), parent).ec != std::errc{}) return std::nullopt;
    return parent;
}

// For kernels without /proc/PID/task/TID/children.
std::vector<pid_t> search_all() {
    std::vector<pid_t> found;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
        const auto name = entry.path().filename().string();
        pid_t pid = 0;
        const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (failed != std::errc{} || end != name.data() + name.size()) continue;
        if (parent_of(entry.path()) == ::getpid()) found.push_back(pid);
    }
    return found;
}

}  // namespace

std::vector<pid_t> children() {
    const auto self = std::to_string(::getpid());
    std::ifstream file("/proc/self/task/" + self + "/children");
    if (!file) return search_all();
    std::vector<pid_t> found;
    for (pid_t pid = 0; file >> pid;) found.push_back(pid);
    return found;
}

}  // namespace caisson::keeper
