// SPDX-License-Identifier: Apache-2.0
#include "support/program.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

#include "base/system.hpp"

namespace caisson::test {
namespace {

/// The user that owns nothing.
constexpr uid_t nobody = 65534;
/// What a shell says when it could not start a program.
constexpr int not_started = 127;

Fd new_memory(const char* name) { return Fd{::memfd_create(name, MFD_CLOEXEC)}; }

// All of it, wherever the program stands in it.
std::string contents(const Fd& memory) {
    std::string text;
    std::array<char, 64 * 1024> piece;
    while (true) {
        const auto count = ::pread(memory.get(), piece.data(), piece.size(), static_cast<off_t>(text.size()));
        if (count <= 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(count));
    }
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> list;
    for (auto& text : strings) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

std::vector<std::string> environment_with(const std::vector<std::string>& added) {
    std::vector<std::string> all;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text{*entry};
        bool replaced = false;
        for (const auto& more : added) replaced |= text.starts_with(more.substr(0, more.find('=') + 1));
        if (!replaced) all.emplace_back(text);
    }
    all.insert(all.end(), added.begin(), added.end());
    return all;
}

struct Start {
    int program;
    std::array<int, 3> streams;
    const char* folder;  // nullptr: here
    bool as_nobody;
    char** arguments;
    char** environment;
};

// After fork in a process that may have threads: system calls only.
[[noreturn]] void become(const Start& start) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0UL, 0UL, 0UL);  // nothing outlives a test that crashed
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number = 0; number < 3; ++number) ::dup2(start.streams[static_cast<std::size_t>(number)], number);
    if (start.folder != nullptr && ::chdir(start.folder) != 0) ::_exit(not_started);
    if (start.as_nobody && (::setgroups(0, nullptr) != 0 || ::setresgid(nobody, nobody, nobody) != 0 ||
                            ::setresuid(nobody, nobody, nobody) != 0))
        ::_exit(not_started);
    // By descriptor: nobody may not be able to walk the path to it.
    ::fexecve(start.program, start.arguments, start.environment);
    ::_exit(not_started);
}

}  // namespace

Program::Program(std::vector<std::string> arguments, const Options& options)
    : out_(new_memory("stdout")), err_(new_memory("stderr")) {
    const Fd program{::open(arguments.at(0).c_str(), O_PATH | O_CLOEXEC)};
    if (!program) throw std::system_error(errno, std::generic_category(), arguments[0]);
    const Fd input = new_memory("stdin");
    if (::write(input.get(), options.input.data(), options.input.size()) != static_cast<ssize_t>(options.input.size()))
        throw std::runtime_error("no memory for a standard input");
    ::lseek(input.get(), 0, SEEK_SET);
    auto environment = environment_with(options.environment);
    const auto argument_list = pointers(arguments);
    const auto environment_list = pointers(environment);
    const Start start{.program = program.get(),
                      .streams = {input.get(), out_.get(), err_.get()},
                      .folder = options.folder.empty() ? nullptr : options.folder.c_str(),
                      .as_nobody = options.as_nobody,
                      .arguments = const_cast<char**>(argument_list.data()),
                      .environment = const_cast<char**>(environment_list.data())};
    pid_ = ::fork();
    if (pid_ == 0) become(start);
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    auto pidfd = sys::pidfd_open(pid_);
    if (!pidfd) throw std::runtime_error(pidfd.error().text());
    pidfd_ = std::move(*pidfd);
}

Program::~Program() {
    if (code_) return;
    signal(SIGKILL);
    ::waitpid(pid_, nullptr, 0);
}

void Program::signal(int number) const { sys::pidfd_signal(pidfd_.get(), number); }

bool Program::running() const { return !code_ && !readable_within(pidfd_.get(), 0ms); }

Ended Program::wait(std::chrono::milliseconds deadline) {
    if (!code_) {
        if (!readable_within(pidfd_.get(), deadline))
            throw std::runtime_error("a program did not end in time; it printed\n" + out() + err());
        int status = 0;
        ::waitpid(pid_, &status, 0);
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return {.code = *code_, .out = out(), .err = err()};
}

void Program::follow(pid_t pid) {
    if (!code_) throw std::logic_error("the program before still runs");
    auto pidfd = sys::pidfd_open(pid);
    if (!pidfd) throw std::runtime_error(pidfd.error().text());
    pidfd_ = std::move(*pidfd);
    pid_ = pid;
    code_.reset();
}

std::string Program::out() const { return contents(out_); }
std::string Program::err() const { return contents(err_); }

Ended run_program(std::vector<std::string> arguments, const Program::Options& options) {
    return Program{std::move(arguments), options}.wait();
}

}  // namespace caisson::test
