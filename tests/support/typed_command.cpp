// SPDX-License-Identifier: Apache-2.0
#include "support/typed_command.hpp"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/result.hpp"
#include "base/system.hpp"

namespace caisson::test {
namespace {

std::pair<Fd, Fd> new_pipe() {
    auto made = sys::pipe();
    check(made.has_value(), "a pipe");
    return std::move(*made);
}

// Appends what one read brings; false at the end.
bool read_some(const Fd& from, std::string& to) {
    char buffer[64 * 1024];
    const auto count = from ? ::read(from.get(), buffer, sizeof buffer) : 0;
    if (count > 0) to.append(buffer, static_cast<std::size_t>(count));
    return count > 0;
}

void read_rest(const Fd& from, std::string& to) {
    while (read_some(from, to)) {
    }
}

}  // namespace

cli::Doors DoorLog::doors() {
    return {.serve =
                [this](const cli::ServeOptions& options) {
                    served.push_back(options);
                    return 0;
                },
            .check =
                [this](const cli::CheckOptions& options) {
                    checked.push_back(options);
                    return 7;
                },
            .doctor = [] { return std::vector<cli::Capability>{{"pidfd", true, "Linux 6.18", "sees a worker end"}}; }};
}

TypedCommand::TypedCommand(std::vector<std::string> arguments, cli::Doors doors) {
    auto [in_read, in_write] = new_pipe();
    auto [out_read, out_write] = new_pipe();
    auto [err_read, err_write] = new_pipe();
    in_ = std::move(in_write);
    out_ = std::move(out_read);
    err_ = std::move(err_read);
    // A signal that comes before the command takes it over waits until then.
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    thread_ = std::thread([this, arguments = std::move(arguments), doors = std::move(doors), in = std::move(in_read),
                           out_end = std::move(out_write), err_end = std::move(err_write)]() mutable {
        code_ = cli::run(std::move(arguments), doors, {in.get(), out_end.get(), err_end.get()});
        in.reset();
        out_end.reset();
        err_end.reset();
    });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TypedCommand::~TypedCommand() {
    if (thread_.joinable()) (void)wait();
}

TypedCommand& TypedCommand::type(std::string_view text) {
    while (!text.empty()) {
        const auto count = ::write(in_.get(), text.data(), text.size());
        if (count <= 0) break;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return *this;
}

TypedCommand& TypedCommand::end_input() {
    in_.reset();
    return *this;
}

std::string TypedCommand::read_lines(std::size_t count) {
    while (static_cast<std::size_t>(std::ranges::count(out, '\n')) < count && read_some(out_, out)) {
    }
    return out;
}

void TypedCommand::interrupt(int signal) { ::pthread_kill(thread_.native_handle(), signal); }

void TypedCommand::wait_for_error(std::string_view text) {
    while (err.find(text) == std::string::npos && read_some(err_, err)) {
    }
}

int TypedCommand::wait() {
    in_.reset();
    return wait_with_open_input();
}

int TypedCommand::wait_with_open_input() {
    // Both at once: a command that waits for room in one must not make us wait for the end of the other.
    std::thread errors([this] { read_rest(err_, err); });
    read_rest(out_, out);
    errors.join();
    thread_.join();
    return code_;
}

}  // namespace caisson::test
