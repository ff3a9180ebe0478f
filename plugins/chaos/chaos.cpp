// SPDX-License-Identifier: Apache-2.0
/// Misbehaves, for the demo and the tests: one method for every way in which a plugin can go wrong, each of them real.
///
/// A start goes wrong by settings: {"crash": "create" | "destroy" | "create_fails" | "create_hangs"}. A static
/// constructor runs before anybody can hand over settings; it crashes if the environment has CAISSON_CHAOS_STATIC=1.
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <caisson/plugin.hpp>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "hang.hpp"
#include "hunger.hpp"
#include "lies.hpp"

using caisson::plugin::Bytes;
using caisson::plugin::Call;
using caisson::plugin::Error;
using caisson::plugin::Host;
using caisson::plugin::Raw;
using caisson::plugin::Status;

// Not in the unnamed namespace: crash reports show these names, and people should read them as they stand here.

/// The function that a crash report must name.
[[gnu::noinline]] static void poke() {
    static volatile int* volatile nowhere = nullptr;
    *nowhere = 1;
}

[[gnu::noinline]] static std::uint64_t descend(std::uint64_t depth) {
    volatile char frame[1024];
    frame[depth % sizeof frame] = 1;
    if (depth == UINT64_MAX) return 0;  // never: only so that a compiler cannot see an endless recursion
    return descend(depth + 1) + static_cast<std::uint64_t>(frame[0]);
}

/// Not of 1: compilers know 1 / n without dividing.
[[gnu::noinline]] static int divide(int number) {
    static volatile int zero = 0;
#if defined(__x86_64__) || defined(__i386__)
    return number / zero;
#else
    if (zero == 0) std::raise(SIGFPE);  // these processors do not trap
    return number;
#endif
}

namespace {

const struct StaticCrash {
    StaticCrash() {
        if (const char* const wanted = std::getenv("CAISSON_CHAOS_STATIC"); wanted != nullptr && *wanted == '1') poke();
    }
} static_crash;

// ------------------------------------------------------------------------------------------------------- good conduct

/// Waits as a good plugin does: it looks whether it should give up.
std::int64_t sleep_for(std::int64_t duration_ms, const Call& call) {
    constexpr auto slice = std::chrono::milliseconds{5};
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{duration_ms};
    while (std::chrono::steady_clock::now() < end) {
        call.check_cancelled();
        std::this_thread::sleep_for(slice);
    }
    return duration_ms;
}

void say(Bytes body) {
    const auto text = caisson::plugin::text(body);
    std::fprintf(stdout, "%.*s\n", static_cast<int>(text.size()), text.data());
    std::fflush(stdout);
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
}

void pour(Call& call) {
    const std::string piece(64 * 1024, 'c');
    for (auto left = number(call, 1024 * 1024); left > 0;) {
        const auto size = std::min<std::uint64_t>(left, piece.size());
        call.write(std::string_view{piece}.substr(0, size));
        left -= size;
    }
}

void fail(Call& call) {
    static const std::map<std::string, Status> statuses = {{"invalid_argument", Status::invalid_argument},
                                                           {"not_found", Status::not_found},
                                                           {"unavailable", Status::unavailable},
                                                           {"cancelled", Status::cancelled},
                                                           {"internal", Status::internal}};
    const auto status = statuses.find(call.param<std::string>("status", "internal"));
    if (status == statuses.end()) throw Error{Status::invalid_argument, "params.status: there is no such status"};
    throw Error{status->second, call.param<std::string>("message", "failed, as asked")};
}

// ------------------------------------------------------------------------------------------------------------- deaths

void crash_while_writing(Call& call) {
    const std::string piece(64 * 1024, 'w');
    for (int i = 0; i < 8; ++i) call.write(piece);
    poke();
}

void second_thread_segv() {
    std::thread other{[] { poke(); }};
    other.join();
}

[[gnu::noinline]] void throw_int() { throw 42; }

struct WorseThanItself : std::exception {
    [[nodiscard]] const char* what() const noexcept override {
        throw_int();
        return "";
    }
};

/// How the instance itself behaves.
class Conduct {
   public:
    explicit Conduct(const Host& host) : crash_(host.settings().value("crash", std::string{})) {
        if (crash_ == "create") poke();
        if (crash_ == "create_fails") throw std::runtime_error("chaos does not want to start");
        if (crash_ == "create_hangs") spin();
    }
    ~Conduct() {
        if (crash_ == "destroy") poke();
    }
    Conduct(const Conduct&) = delete;
    Conduct& operator=(const Conduct&) = delete;

   private:
    std::string crash_;
};

}  // namespace

CAISSON_PLUGIN("chaos", "1.0.0") {
    state<Conduct>();

    method("ok", [](std::int64_t n) { return n; }).help("returns n").idempotent();
    method("echo", [](Bytes body) { return Raw{std::string{caisson::plugin::text(body)}}; })
        .help("returns the body")
        .idempotent();
    method("sleep", sleep_for).help("waits n ms, and gives up when asked to").idempotent();
    method("say", say).help("prints the body on stdout and stderr").idempotent();
    method("pour", pour).help("writes n bytes (1 MiB), piece by piece").idempotent();
    method("fail", fail).help("returns params.status with params.message").idempotent();

    method("segv", [] { poke(); }).help("writes to address 0");
    method("abort", [] { std::abort(); }).help("aborts");
    method("div0", [] { return divide(42); }).help("divides by zero");
    method("stack_overflow", [] { return descend(0); }).help("recurses until the stack ends");
    method("kill_self", [] { kill(getpid(), SIGKILL); }).help("kills its process");
    method("exit0", [] { std::exit(0); }).help("exits with code 0 in the middle of the call");
    method("exit3", [] { std::exit(3); }).help("exits with code 3");
    method("quick_exit0", [] { _exit(0); }).help("exits with code 0 and runs no handlers");
    method("throw", [] { throw std::runtime_error("thrown, as asked"); }).help("throws an exception");
    method("throw_int", throw_int).help("throws something that is no exception");
    method("throw_what", [] { throw WorseThanItself{}; }).help("throws an exception whose what() throws");
    method("second_thread_segv", second_thread_segv).help("crashes on a thread of its own");
    method("crash_while_writing", crash_while_writing).help("writes 512 KiB of result, then crashes");

    method("spin", [] { spin(); }).help("computes for ever and does not look up");
    method("deadlock", deadlock).help("waits for a lock that it holds");
    method("sigstop_self", sigstop_self).help("stops its process");
    method("ignore_term", ignore_term).help("ignores SIGTERM and waits for ever");

    method("oom", oom).help("allocates and touches memory until there is none; n: at most so many MiB (8192)");
    method("fds", fds).help("opens files until it may not, and keeps them");
    method("fork_bomb", fork_bomb).help("forks n (64, at most 512) children that fork once more and stay");
    method("daemonize", daemonize).help("leaves a process of its own session that ignores SIGTERM; returns its pid");
    method("flood_stdout", flood_stdout)
        .help("prints n bytes (64 MiB), without a newline or with params.newlines")
        .output("json");
    method("close_fds", close_fds).help("closes every file and returns");

    method("close_socket", close_socket).help("closes the worker's socket and runs on");
    method("garbage_frames", garbage_frames).help("sends bytes that are no frames");
    method("huge_frame", huge_frame).help("announces a frame of 4 GiB");
    method("partial_frame", partial_frame).help("sends half of a frame");
    method("wrong_call_id", wrong_call_id).help("answers a call that nobody made");
    method("double_reply", double_reply).help("answers its call twice");
}
