// SPDX-License-Identifier: Apache-2.0
#include "apps/successor.hpp"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "apps/handover.hpp"
#include "base/system.hpp"
#include "base/text.hpp"

namespace caisson::apps {
namespace {

/// Bytes of what it prints that are remembered, the last ones.
constexpr std::size_t tail_bytes = 2048;
/// What a shell says when it could not start a program.
constexpr int not_started = 127;

// What speaks of this process, or of descriptors that it has taken, is not for the next one.
std::vector<std::string> environment_with(int line) {
    constexpr std::array<std::string_view, 5> own{
        "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=", "WATCHDOG_PID=", "CAISSON_HANDOVER="};
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        if (std::ranges::none_of(own, [&](auto name) { return text.starts_with(name); })) all.emplace_back(text);
    }
    all.push_back(cat(handover_variable, "=", line));
    return all;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> list;
    list.reserve(strings.size() + 1);
    for (auto& text : strings) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

struct Start {
    const char* program;
    pid_t parent;
    int input;
    int output;
    int line;
    char** arguments;
    char** environment;
};

// After fork in a process that has threads: system calls only.
[[noreturn]] void become(const Start& start) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);
    if (::getppid() != start.parent) ::_exit(not_started);
    ::dup2(start.input, STDIN_FILENO);
    ::dup2(start.output, STDOUT_FILENO);
    ::dup2(start.output, STDERR_FILENO);
    ::fcntl(start.line, F_SETFD, 0);
    ::execve(start.program, start.arguments, start.environment);
    const char* const why = ::strerrordesc_np(errno);
    static_cast<void>(::write(STDERR_FILENO, why, std::strlen(why)));
    ::_exit(not_started);
}

}  // namespace

Result<std::unique_ptr<Successor>> Successor::start(Loop& loop, const std::filesystem::path& program,
                                                    std::vector<std::string> arguments, Fd line,
                                                    std::function<void(std::string)> on_end) {
    struct stat facts{};
    if (::stat(program.c_str(), &facts) != 0) return fail_errno(cat("there is no program ", program.native()), errno);
    if (!S_ISREG(facts.st_mode) || ::access(program.c_str(), X_OK) != 0)
        return fail(cat(program.native(), " is no program that may be executed"));
    auto output = sys::pipe();
    if (!output) return std::unexpected(output.error());
    const Fd input{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!input) return fail_errno("/dev/null", errno);
    if (auto set = sys::set_nonblocking(output->first.get()); !set) return std::unexpected(set.error());

    auto environment = environment_with(line.get());
    const auto argument_list = pointers(arguments);
    const auto environment_list = pointers(environment);
    const Start start{.program = program.c_str(),
                      .parent = ::getpid(),
                      .input = input.get(),
                      .output = output->second.get(),
                      .line = line.get(),
                      .arguments = const_cast<char**>(argument_list.data()),
                      .environment = const_cast<char**>(environment_list.data())};
    const pid_t pid = ::fork();
    if (pid == 0) become(start);
    if (pid < 0) return fail_errno("fork", errno);
    auto pidfd = sys::pidfd_open(pid);
    if (!pidfd) {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return std::unexpected(pidfd.error());
    }
    return std::make_unique<Successor>(loop, pid, std::move(*pidfd), std::move(output->first), std::move(on_end));
}

Successor::Successor(Loop& loop, pid_t pid, Fd pidfd, Fd output, std::function<void(std::string)> on_end)
    : pid_(pid),
      pidfd_(std::move(pidfd)),
      output_(std::move(output)),
      on_end_(std::move(on_end)),
      exit_watch_(loop.watch(pidfd_.get())),
      output_watch_(loop.watch(output_.get())) {
    exit_watch_.on_readable([this] { on_exit(); });
    output_watch_.on_readable([this] { read_output(); });
}

Successor::~Successor() {
    exit_watch_ = {};
    output_watch_ = {};
}

void Successor::signal(int number) const { sys::pidfd_signal(pidfd_.get(), number); }

void Successor::kill() {
    exit_watch_ = {};
    signal(SIGKILL);
}

void Successor::on_exit() {
    exit_watch_ = {};
    siginfo_t info{};
    std::string how = "it has ended";
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) == 0 && info.si_pid != 0)
        how = info.si_code == CLD_EXITED ? cat("it ended with exit code ", info.si_status)
                                         : cat("it was ended by SIG", ::sigabbrev_np(info.si_status));
    const auto on_end = on_end_;
    on_end(std::move(how));
}

// One read a turn: who prints without end is heard slowly.
void Successor::read_output() {
    std::array<char, 4096> piece;
    const auto count = ::read(output_.get(), piece.data(), piece.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        output_watch_ = {};
        output_.reset();
        return;
    }
    tail_.append(piece.data(), static_cast<std::size_t>(count));
    if (tail_.size() > tail_bytes) tail_.erase(0, tail_.size() - tail_bytes);
}

std::string Successor::last_words() {
    for (int reads = 0; reads < 16 && output_; ++reads) read_output();
    std::string lines;
    for (std::size_t at = 0; at < tail_.size();) {
        const auto end = std::min(tail_.find('\n', at), tail_.size());
        const auto line = printable(std::string_view{tail_}.substr(at, end - at));
        if (!line.empty()) lines += cat(lines.empty() ? "" : "\n", line);
        at = end + 1;
    }
    return lines;
}

std::filesystem::path own_program() {
    std::error_code error;
    auto stands = std::filesystem::read_symlink("/proc/self/exe", error);
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it is how the kernel says it
    const auto* const said = reinterpret_cast<const char*>(::getauxval(AT_EXECFN));
    if (said == nullptr || std::string_view{said}.starts_with("/dev/fd/")) return stands;
    auto called = std::filesystem::absolute(said, error);
    if (!error && std::filesystem::equivalent(called, "/proc/self/exe", error)) return called;
    return stands;
}

}  // namespace caisson::apps
