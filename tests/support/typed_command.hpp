// SPDX-License-Identifier: Apache-2.0
/// A command line that was typed: runs on a thread with pipes for its streams, as a shell would run it.
#pragma once

#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "base/fd.hpp"
#include "cli/cli.hpp"

namespace caisson::test {

/// What the doors were asked, and what they answer.
struct DoorLog {
    std::vector<cli::ServeOptions> served;
    std::vector<cli::CheckOptions> checked;

    [[nodiscard]] cli::Doors doors();
};

class TypedCommand {
   public:
    explicit TypedCommand(std::vector<std::string> arguments, cli::Doors doors = DoorLog{}.doors());
    TypedCommand(const TypedCommand&) = delete;
    TypedCommand& operator=(const TypedCommand&) = delete;
    ~TypedCommand();

    /// Writes to its standard input.
    TypedCommand& type(std::string_view text);
    TypedCommand& end_input();
    /// Reads its standard output until there are this many line ends, or its end.
    [[nodiscard]] std::string read_lines(std::size_t count);
    /// Closes the reading end of its standard output.
    void stop_reading() { out_.reset(); }
    /// Sends a signal to its thread, as Ctrl-C does to a process.
    void interrupt(int signal = SIGINT);
    /// Reads its error stream until it holds `text`.
    void wait_for_error(std::string_view text);

    /// Ends the input, waits for the end and returns the exit code; `out` and `err` are then complete.
    int wait();
    int wait_with_open_input();
    std::string out;
    std::string err;

   private:
    Fd in_, out_, err_;  // our ends
    std::thread thread_;
    int code_ = -1;
};

}  // namespace caisson::test
