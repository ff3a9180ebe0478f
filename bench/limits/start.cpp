// SPDX-License-Identifier: Apache-2.0
/// What it costs to have another process: fork, exit and wait; posix_spawn of /bin/true; and until a new program has
/// loaded a library.
///
///     limit_start SECONDS LOADER LIBRARY
#include <spawn.h>

#include "raw.hpp"

using namespace bench;

namespace {

template <class Run>
double median_us(double seconds, Run run) {
    Times times;
    for (const auto end = end_after(seconds); Clock::now() < end;) {
        const auto start = Clock::now();
        times.add(start, run());
    }
    return times.percentile(50);
}

Clock::time_point fork_and_wait() {
    raw::reap(raw::fork_child([] {}));
    return Clock::now();
}

pid_t spawn(char* const* arguments, const posix_spawn_file_actions_t* actions) {
    pid_t child = 0;
    if (posix_spawn(&child, arguments[0], actions, nullptr, arguments, environ) != 0) give_up("posix_spawn");
    return child;
}

Clock::time_point spawn_and_wait() {
    std::string program = "/bin/true";
    char* const arguments[] = {program.data(), nullptr};
    raw::reap(spawn(arguments, nullptr));
    return Clock::now();
}

/// Until its byte is here; its end does not count.
Clock::time_point load(char* loader, char* library) {
    const auto pair = raw::stream_pair();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pair.theirs, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, pair.theirs, STDOUT_FILENO);
    char* const arguments[] = {loader, library, nullptr};
    const pid_t child = spawn(arguments, &actions);
    posix_spawn_file_actions_destroy(&actions);
    close(pair.theirs);
    std::byte byte{};
    if (!raw::read_all(pair.ours, {&byte, 1})) give_up("the library was not loaded");
    const auto loaded = Clock::now();
    raw::part(pair, child);
    return loaded;
}

}  // namespace

int main(int argc, char** argv) {
    constexpr std::string_view usage = "limit_start SECONDS LOADER LIBRARY";
    if (argc != 4) give_up(usage);
    const double seconds = number(argc, argv, 1, usage) / 3;
    Report report;
    report.add("fork_us", median_us(seconds, fork_and_wait));
    report.add("spawn_us", median_us(seconds, spawn_and_wait));
    report.add("exec_dlopen_us", median_us(seconds, [argv] { return load(argv[2], argv[3]); })).print();
}
