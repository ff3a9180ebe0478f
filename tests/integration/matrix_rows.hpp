// SPDX-License-Identifier: Apache-2.0
/// The misbehaviours of the matrix.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "matrix_places.hpp"

namespace caisson::test {

struct Row {
    std::string what;
    std::optional<Task> bad = {};        ///< the bad call; none: nothing runs when it happens
    std::string cause = {};              ///< a part of what is said of it
    std::function<void()> prepare = {};  ///< before a place is made
    /// What happens between the first three good calls and the last; the bad call makes the file that its body names
    /// when it has begun.
    std::function<void(Place&)> event = {};
    Setup setup = {};                    ///< of the good pool
    std::string good = "ok";             ///< a method that returns its body
    std::optional<Setup> bad_pool = {};  ///< a pool that cannot start, which the bad call is for
    bool alone = false;                  ///< the last three good calls wait for the end of its worker
    std::string embedded = {};           ///< why there is no such row for an embedded pool
};

/// Rows about files make them in `folder`.
inline std::vector<Row> matrix_rows(const Folder& folder) {
    namespace fs = std::filesystem;
    const auto kill_all = [](Place& place) {
        for (const pid_t pid : place.workers()) ::kill(pid, SIGKILL);
    };
    const auto kill_one = [](Place& place) { ::kill(place.workers().at(0), SIGKILL); };
    const auto kill_keeper = [](Place& place) {
        const auto workers = watch_all(place.workers());
        ::kill(place.keeper(), SIGKILL);
        if (!left_after(workers, patience).empty()) throw std::runtime_error("a worker outlives its keeper");
    };
    const auto shrink = [](Place& place) {
        place.resize(1);
        if (!eventually([&] { return place.workers().size() == 1; })) throw std::runtime_error("it did not shrink");
        place.resize(2);
    };
    const auto hanging = [](const char* method) { return Task{.method = method, .timeout = 500ms}; };
    const auto file = [](const char* name) { return Setup{.plugin = (fixture_folder() / "broken" / name).string()}; };
    const Setup ledger{.plugin = fixture_library("ledger"), .env = {{"CAISSON_LEDGER", (folder / "ledger").string()}}};
    const Setup cling{.plugin = fixture_library("cling")};
    const auto mark = (folder / "mark").string();
    const std::string payload(200'000'000, 'p');

    std::vector<Row> rows{
        {.what = "SIGSEGV", .bad = Task{"segv"}, .cause = "SIGSEGV, address not mapped, at 0x0"},
        {.what = "SIGABRT", .bad = Task{"abort"}, .cause = "SIGABRT, abort"},
        {.what = "SIGKILL of itself", .bad = Task{"kill_self"}, .cause = "SIGKILL, sent by a process or by the kernel"},
        {.what = "`_exit(0)`", .bad = Task{"quick_exit0"}, .cause = "exited with code 0 in the middle of the call"},
        {.what = "`exit(3)`", .bad = Task{"exit3"}, .cause = "exited with code 3 in the middle of the call"},
        {.what = "throws", .bad = Task{"throw"}, .cause = "thrown, as asked"},
        {.what = "stack overflow", .bad = Task{"stack_overflow"}, .cause = "SIGSEGV, address not mapped"},
        {.what = "division by zero", .bad = Task{"div0"}, .cause = "SIGFPE, integer division by zero"},
        {.what = "out of memory", .bad = Task{"oom", {}, R"({"n": 4096})"}, .cause = "SIGABRT, abort"},
        {.what = "out of descriptors", .bad = Task{"fds"}, .cause = "files, then: Too many open files"},
        {.what = "fork bomb, 128 processes", .bad = Task{"fork_bomb"}},
        {.what = "double fork with `setsid`", .bad = Task{"daemonize"}},
        {.what = "crash in a static constructor",
         .cause = "did not start (load): died: SIGSEGV, address not mapped, at 0x0",
         .bad_pool = Setup{.env = {{"CAISSON_CHAOS_STATIC", "1"}}}},
        {.what = "crash at create",
         .cause = "did not start (create): died: SIGSEGV, address not mapped, at 0x0",
         .bad_pool = Setup{.crash = "create"}},
        {.what = "crash at destroy", .cause = "SIGSEGV", .event = shrink, .setup = {.crash = "destroy"}},
        {.what = "crash in a second thread", .bad = Task{"second_thread_segv"}, .cause = "SIGSEGV, address not mapped"},
        {.what = "crash while it reads its input",
         .bad = Task{"try", "it 1 segv"},
         .cause = "SIGSEGV, address not mapped, at 0x10",
         .setup = ledger,
         .good = "note"},
        {.what = "crash while it writes its result",
         .bad = Task{"crash_while_writing"},
         .cause = "SIGSEGV, address not mapped, at 0x0"},
        {.what = "kill of an idle worker", .cause = "SIGKILL", .event = kill_one},
        {.what = "kill while 200 MB are in flight",
         .bad = Task{"try", "it 1 die\n" + payload},
         .cause = "SIGKILL, sent by a process or by the kernel",
         .setup = ledger,
         .good = "note"},
        {.what = "kill of all workers at once, one of them running",
         .bad = Task{"stay", mark},
         .cause = "SIGKILL, sent by a process or by the kernel",
         .event = kill_all,
         .setup = cling},
        {.what = "endless loop", .bad = hanging("spin"), .cause = "its deadline passed while it ran"},
        {.what = "deadlock", .bad = hanging("deadlock"), .cause = "its deadline passed while it ran"},
        {.what = "SIGSTOP of itself", .bad = hanging("sigstop_self"), .cause = "its deadline passed while it ran"},
        {.what = "SIGTERM ignored", .bad = hanging("ignore_term"), .cause = "its deadline passed while it ran"},
        {.what = "256 MiB on stdout, in lines",
         .bad = Task{"flood_stdout", {}, R"({"n": 268435456, "newlines": true})"}},
        {.what = "64 MiB on stdout without a newline", .bad = Task{"flood_stdout"}},
        {.what = "all descriptors closed", .bad = Task{"close_fds"}},
        {.what = "its socket closed, and runs on",
         .bad = Task{"close_socket"},
         .cause = "broke the protocol: closed its socket and ran on",
         .alone = true},
        {.what = "garbage on its socket", .bad = Task{"garbage_frames"}, .cause = "broke the protocol", .alone = true},
        {.what = "a frame of 4 GiB", .bad = Task{"huge_frame"}, .cause = "broke the protocol", .alone = true},
        {.what = "half a frame",
         .bad = hanging("partial_frame"),
         .cause = "its deadline passed while it ran",
         .alone = true},
        {.what = "the result of a call that it does not run",
         .bad = Task{"wrong_call_id"},
         .cause = "a call that it does not run",
         .alone = true},
        {.what = "two results", .bad = Task{"double_reply"}, .alone = true},
        {.what = "parent-death signal cleared, then its keeper is killed",
         .bad = Task{"cling", mark},
         .cause = "the keeper of all workers died",
         .event = kill_keeper,
         .setup = cling},
        {.what = "parent-death signal cleared, then the supervisor is killed",
         .bad = Task{"cling", mark},
         .cause = "whether the call was done is not known",
         .event = [](Place& place) { place.kill(); },
         .setup = cling,
         .embedded = "– (it is the program itself that dies: its workers die with it)"},
        {.what = "library of another ABI", .cause = "the plugin speaks ABI 99.7", .bad_pool = file("wrong_abi.so")},
        {.what = "library for another architecture",
         .cause = "it is built for 64-bit RISC-V",
         .bad_pool = file("other_machine.so")},
        {.what = "empty library", .cause = "the file is empty", .bad_pool = file("empty.so")},
        {.what = "truncated library", .cause = "the file is truncated", .bad_pool = file("truncated.so")},
        {.what = "library without its symbol",
         .cause = "it does not export caisson_plugin_entry",
         .bad_pool = file("no_symbol.so")},
        {.what = "library without its dependency",
         .cause = "libcaisson_absent.so",
         .bad_pool = file("missing_dependency.so")},
        {.what = "library is a FIFO", .cause = "is a FIFO, not a shared library", .bad_pool = file("fifo.so")},
        {.what = "library is a directory",
         .cause = "is a directory, not a shared library",
         .bad_pool = file("directory.so")},
        {.what = "library is a link to nothing",
         .cause = "is a symbolic link to nowhere.so, which does not exist",
         .bad_pool = file("dangling.so")},
    };
    // Libraries that are as good as others.
    fs::create_symlink(chaos_library(), folder / "link.so");
    rows.push_back(
        {.what = "library is a link", .bad = Task{"ok", "7"}, .setup = {.plugin = (folder / "link.so").string()}});
    const auto open_to_all = (folder / "open.so").string();
    fs::copy_file(chaos_library(), open_to_all);
    fs::permissions(open_to_all, fs::perms::all);
    rows.push_back(
        {.what = "library that everybody can write", .bad = Task{"ok", "7"}, .setup = {.plugin = open_to_all}});
    const auto replaced = (folder / "replaced.so").string();
    const auto put = [=](const auto& write) {
        write(replaced + ".new");
        fs::rename(replaced + ".new", replaced);
    };
    rows.push_back({.what = "library replaced by a file that is none while it is loaded",
                    .prepare = [=] { put([](const auto& to) { fs::copy_file(chaos_library(), to); }); },
                    .event = [=](Place&) { put([](const auto& to) { write_file(to, "This is no library.\n"); }); },
                    .setup = {.plugin = replaced}});
    return rows;
}

}  // namespace caisson::test
