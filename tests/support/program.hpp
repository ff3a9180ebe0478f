// SPDX-License-Identifier: Apache-2.0
/// A program that was started, with what it prints kept, and no way to be left behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "support/eventually.hpp"

namespace caisson::test {

/// How a program ended: its exit code, or 128 and the signal, as a shell says it.
struct Ended {
    int code = -1;
    std::string out;
    std::string err;
};

class Program {
   public:
    struct Options {
        std::string input = {};                     ///< its standard input, which then ends
        std::string folder = {};                    ///< where it runs; empty: here
        std::vector<std::string> environment = {};  ///< "NAME=value" beside what this process has
        bool as_nobody = false;                     ///< for a process of root: as a user without rights
    };
    /// `arguments[0]` is the program's path. Throws if it cannot be started.
    explicit Program(std::vector<std::string> arguments, const Options& options);
    explicit Program(std::vector<std::string> arguments) : Program(std::move(arguments), Options{}) {}
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program();  ///< kills it, if it still runs

    [[nodiscard]] pid_t pid() const { return pid_; }
    void signal(int number) const;
    [[nodiscard]] bool running() const;
    /// Waits for its end; throws if it does not come by the deadline.
    Ended wait(std::chrono::milliseconds deadline = patience);
    /// From now on this is the process `pid`, which prints to the same places, and is a child of this process as soon
    /// as the one before has ended. That one must have been waited for.
    void follow(pid_t pid);
    /// What it has printed so far.
    [[nodiscard]] std::string out() const;
    [[nodiscard]] std::string err() const;

   private:
    pid_t pid_ = -1;
    Fd pidfd_;
    Fd out_;
    Fd err_;
    std::optional<int> code_;
};

/// Runs a program to its end.
Ended run_program(std::vector<std::string> arguments, const Program::Options& options = {});

}  // namespace caisson::test
