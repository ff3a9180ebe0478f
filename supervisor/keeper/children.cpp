// SPDX-License-Identifier: Apache-2.0
#include "keeper/children.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string>

#include "base/fd.hpp"

namespace caisson::keeper {
namespace {

// The whole of a file of /proc, which has no size before it is read.
std::optional<std::string> text_of(const std::string& path) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file) return std::nullopt;
    std::string text;
    std::array<char, 4096> part;
    for (ssize_t got = 0; (got = ::read(file.get(), part.data(), part.size())) > 0;)
        text.append(part.data(), static_cast<std::size_t>(got));
    return text;
}

// The parent of a process: the second field after the name in /proc/PID/stat. The name may hold spaces and parentheses.
std::optional<pid_t> parent_of(const std::string& process) {
    const auto stat = text_of(process + "/stat").value_or("");
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
        if (parent_of(entry.path().string()) == ::getpid()) found.push_back(pid);
    }
    return found;
}

}  // namespace

std::vector<pid_t> children() {
    const auto text = text_of("/proc/self/task/" + std::to_string(::getpid()) + "/children");
    if (!text) return search_all();
    std::vector<pid_t> found;
    const char* at = text->data();
    const char* const end = at + text->size();
    for (pid_t pid = 0; at < end; ++at) {
        const auto [next, failed] = std::from_chars(at, end, pid);
        if (failed != std::errc{}) break;
        found.push_back(pid);
        at = next;
    }
    return found;
}

}  // namespace caisson::keeper
