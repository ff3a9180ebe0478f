// SPDX-License-Identifier: Apache-2.0
/// caisson-worker POOL/ID KEEPER_PID: the process that runs one plugin. The keeper starts it, with the socket to the
/// supervisor as descriptor 3 and the black box as descriptor 4; by hand it is of no use.
#include <sys/prctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "host/black_box_map.hpp"
#include "host/descriptors.hpp"
#include "host/worker.hpp"

#if defined(CAISSON_SANITIZED)
// The leak check at exit stops all threads by ptrace, which a process that is not dumpable refuses.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
extern "C" const char* __lsan_default_options();
extern "C" const char* __lsan_default_options() { return "detect_leaks=0"; }
#endif

namespace {

using caisson::host::ExitCode;

std::optional<pid_t> pid_from(std::string_view text) {
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), pid);
    if (error != std::errc{} || end != text.data() + text.size() || pid <= 0) return std::nullopt;
    return pid;
}

}  // namespace

int main(int count, char** arguments) {
    using namespace caisson::host;
    const auto keeper = count == 3 ? pid_from(arguments[2]) : std::nullopt;
    if (!keeper) end_at_once(ExitCode::usage, "started by caisson serve, not by hand");
    // For people who look at `ps`: the kernel cuts it at 15 bytes.
    ::prctl(PR_SET_NAME, arguments[1], 0UL, 0UL, 0UL);

    const auto box = map_black_box(black_box_descriptor);
    if (!box) end_at_once(ExitCode::setup_failed, box.error().text());
    ::close(black_box_descriptor);  // mapped: nothing of it is left for the plugin to close or replace

    // Never destroyed: threads that the plugin left running may ask it about a call until the very end.
    auto* worker = new Worker{**box, socket_descriptor, *keeper};
    // Runs exit handlers and the plugin's static destructors; a crash in them is recorded like any other.
    std::exit(static_cast<int>(worker->run()));
}
