// SPDX-License-Identifier: Apache-2.0
#include "support/processes.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <iterator>
#include <optional>
#include <sstream>

#include "base/system.hpp"

namespace caisson::test {
namespace {

namespace fs = std::filesystem;

// Not by a stream: those throw when the process goes while its file is read. Then the text is empty or cut.
std::string read_proc(const fs::path& path) {
    const Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    std::string text;
    std::array<char, 4096> piece;
    for (ssize_t count = 0; file && (count = ::read(file.get(), piece.data(), piece.size())) > 0;)
        text.append(piece.data(), static_cast<std::size_t>(count));
    return text;
}

std::vector<std::string> entries_of(const fs::path& folder) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry{folder, error}; !error && entry != fs::directory_iterator{};
         entry.increment(error))
        names.push_back(entry->path().filename().string());
    return names;
}

// "4711 (name, with anything in it) S 1 …"
std::optional<Process> read_process(const fs::path& folder) {
    const auto text = read_proc(folder / "stat");
    const auto open = text.find('(');
    const auto close = text.rfind(')');
    if (open == std::string::npos || close == std::string::npos) return std::nullopt;  // it has just gone
    Process process;
    process.name = text.substr(open + 1, close - open - 1);
    std::istringstream{text.substr(0, open)} >> process.pid;
    std::istringstream{text.substr(close + 1)} >> process.state >> process.parent;
    return process;
}

std::vector<Process> all_processes() {
    std::vector<Process> all;
    for (const auto& name : entries_of("/proc")) {
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        if (auto process = read_process(fs::path{"/proc"} / name)) all.push_back(std::move(*process));
    }
    return all;
}

std::uint64_t status_bytes(pid_t pid, const std::string& key) {
    std::istringstream lines{read_proc("/proc/" + std::to_string(pid) + "/status")};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1)) * 1024;
    return 0;
}

}  // namespace

std::vector<Process> descendants(pid_t ancestor) {
    const auto all = all_processes();
    std::vector<Process> found;
    std::vector<pid_t> parents{ancestor};
    for (std::size_t next = 0; next < parents.size(); ++next)
        for (const auto& process : all) {
            if (process.parent != parents[next]) continue;
            parents.push_back(process.pid);
            if (process.state != 'Z' && process.state != 'X') found.push_back(process);
        }
    return found;
}

std::vector<pid_t> descendant_pids(pid_t ancestor) {
    std::vector<pid_t> pids;
    std::ranges::transform(descendants(ancestor), std::back_inserter(pids), &Process::pid);
    return pids;
}

std::vector<pid_t> zombies(pid_t parent) {
    std::vector<pid_t> found;
    for (const auto& process : all_processes())
        if (process.parent == parent && process.state == 'Z') found.push_back(process.pid);
    return found;
}

std::string describe(const std::vector<Process>& processes) {
    std::string text;
    for (const auto& process : processes)
        text += process.name + " (pid " + std::to_string(process.pid) + ", parent " + std::to_string(process.parent) +
                ", " + process.state + ")\n";
    return text;
}

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1UL, 0UL, 0UL, 0UL); }

Watched::Watched(pid_t pid) : pid_(pid) {
    if (auto opened = sys::pidfd_open(pid)) descriptor_ = std::move(*opened);
}

bool Watched::gone_within(std::chrono::milliseconds deadline) const {
    return !descriptor_ || readable_within(descriptor_.get(), deadline);
}

std::vector<Watched> watch_all(const std::vector<pid_t>& pids) {
    std::vector<Watched> all;
    for (const pid_t pid : pids) all.emplace_back(pid);
    return all;
}

std::vector<pid_t> left_after(const std::vector<Watched>& processes, std::chrono::milliseconds deadline) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    std::vector<pid_t> left;
    for (const auto& process : processes) {
        const auto now = std::chrono::steady_clock::now();
        const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(std::max(until - now, until - until));
        if (!process.gone_within(rest)) left.push_back(process.pid());
    }
    return left;
}

std::uint64_t resident_bytes(pid_t pid) { return status_bytes(pid, "VmRSS"); }
std::uint64_t peak_resident_bytes(pid_t pid) { return status_bytes(pid, "VmHWM"); }

std::size_t open_descriptors(pid_t pid) { return entries_of("/proc/" + std::to_string(pid) + "/fd").size(); }

}  // namespace caisson::test
